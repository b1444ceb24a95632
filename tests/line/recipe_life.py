#!/usr/bin/env python3
"""A station that asks for two approvals: no camera and no batch gets a recipe before two people have approved it and
somebody has activated it; retired it is used no more; the journal says who did what.  Without approvals a recipe is in
use at once, as every other test shows."""
import json
import os
import subprocess

from harness import CTL, Refused, Rig, Tests, equal, until

test = Tests()


def refusal(rig, path, body, method="POST"):
    try:
        rig.rest(path, body, method)
    except Refused as e:
        return e.status, e.code
    raise AssertionError(f"{path} was done")


def ctl(rig, *words):
    done = subprocess.run([CTL, *words, "--url", rig.url], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@test
def life():
    """draft, approved by two people, active, retired, active again, revoked; and what each lets through"""
    with Rig(cameras=2, speed="instant", recipes="approvals = 2", start=False) as rig:
        rig.start(cameras=0)
        sha = rig.upload(rig.recipe())
        at = f"/recipes/{sha}"
        equal(rig.rest(at)["state"], "draft")
        order = {"order": "WO-1", "recipe": sha, "quantity": 9}
        equal(refusal(rig, "/batches", order), (422, "recipe-inactive"))
        equal(refusal(rig, f"{at}/activate", {}), (409, "conflict"))
        equal(refusal(rig, f"{at}/retire", {}), (409, "conflict"))
        equal(refusal(rig, f"{at}/approve", {}), (409, "conflict"))  # who?
        status, out, err = ctl(rig, "recipe", "approve", sha, "--by", "anna")
        equal((status, err), (0, ""))
        assert "state: draft" in out, out
        equal(refusal(rig, f"{at}/approve", {"by": "anna"}), (409, "conflict"))  # one person counts once
        equal(rig.rest(at)["state"], "draft")
        got = rig.rest(f"{at}/approve", {"by": "ben"}, "POST")
        equal((got["state"], [a["by"] for a in got["approvals"]]), ("approved", ["anna", "ben"]))
        equal(refusal(rig, f"{at}/approve", {"by": "carl"}), (409, "conflict"))
        equal(refusal(rig, "/batches", order), (422, "recipe-inactive"))
        equal(json.loads(ctl(rig, "recipe", "activate", sha, "--by", "carl", "--json")[1])["activated_by"], "carl")
        batch = rig.rest("/batches", order, "POST")["id"]
        equal(rig.stop(), 0)
        rig.start(cameras=1)  # all of it was written down
        rig.wait_slot(1, {"passed"})
        equal(json.loads(ctl(rig, "recipe", "retire", sha, "--reason", "replaced", "--by", "carl", "--json")[1])["state"], "retired")
        rig.control("unplug 1")
        until(lambda: rig.slots()[0]["state"] == "empty", "it is unplugged")
        rig.control("plug 1 hold")
        equal(rig.wait_slot(1, {"refused"})["code"], "recipe-inactive")
        equal(rig.rest(f"{at}/activate", {"by": "anna"}, "POST")["state"], "active")
        rig.rest(f"{at}/revoke", {"reason": "wrong model", "by": "ben"}, "POST")
        for word in ("approve", "activate", "retire", "revoke"):
            equal(refusal(rig, f"{at}/{word}", {"by": "anna"}), (409, "conflict"), word)
        equal(rig.rest(at)["revoked_by"], "ben")
        equal(refusal(rig, f"/recipes/{'0' * 64}/approve", {"by": "anna"}), (404, "not-found"))
        for bad in ({"by": ""}, {"by": 7}, {"by": "a\tb"}, {"who": "x"}):
            equal(refusal(rig, f"{at}/approve", bad)[0], 400, str(bad))
        kinds = [r[0] for r in rig.database().execute("SELECT kind FROM journal WHERE kind LIKE 'recipe-%' ORDER BY seq")]
        equal(kinds, ["recipe-added", "recipe-approved", "recipe-approved", "recipe-activated", "recipe-retired",
                      "recipe-activated", "recipe-revoked"])
        equal(rig.rest(f"/batches/{batch}/report")["recipe"]["state"], "active")


@test
def inbox():
    """a recipe that is dropped into the inbox is a draft, too"""
    with Rig(cameras=0, recipes="approvals = 1") as rig:
        path = rig.recipe()
        os.rename(path, f"{rig.state}/inbox/app.img")
        recipe = until(lambda: rig.rest("/recipes")["items"], "it is taken")[0]
        equal(recipe["state"], "draft")
        equal(rig.rest(f"/recipes/{recipe['sha256']}/approve", {}, "POST")["state"], "approved")


test.main()
