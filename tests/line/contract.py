"""The API's description as other tests hold answers against it."""
import json

import jsonschema


class Contract:
    def __init__(self):
        with open("station/http/openapi.json", encoding="utf-8") as f:
            self.document = json.load(f)

    def resolve(self, thing):
        while "$ref" in thing:
            found = self.document
            for key in thing["$ref"][2:].split("/"):
                found = found[key]
            thing = found
        return thing

    def posts(self):
        """{path below /api/v1: operation}"""
        return {path.removeprefix("/api/v1"): item["post"] for path, item in self.document["paths"].items()
                if "post" in item}

    def takes_key(self, operation):
        return any(self.resolve(p)["name"] == "Idempotency-Key" for p in operation.get("parameters", []))

    def check(self, path, status, value):
        """The answer is one that the description gives for this POST."""
        responses = self.posts()[path]["responses"]
        assert str(status) in responses, f"{path}: {status} is not described: {value}"
        content = self.resolve(responses[str(status)])["content"]
        schema = next(iter(content.values()))["schema"]
        root = {**schema, "components": self.document["components"]}
        try:
            jsonschema.Draft202012Validator(root).validate(value)
        except jsonschema.ValidationError as error:
            raise AssertionError(f"{path}: {error.message} at {list(error.absolute_path)}") from None
