/* A public key that minisign made; nobody has its other half. */
#ifndef FUZZ_KEY_H
#define FUZZ_KEY_H
static const char some_key[] = "RWSJJiAqVq1bhRZD0lgHMSWVvIAI+gDNYjrShvISruvpd0LGl+3V2kXv\n";

#endif
