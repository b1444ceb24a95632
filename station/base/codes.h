/* The table of codes: text, verdict of an attempt that ends with it, whether a retry may help, what happened, what to
 * do now.  The one place where a code is spelled. */
#ifndef STATION_BASE_CODES_H
#define STATION_BASE_CODES_H

#define CODE_MAP(X)                                                                                                    \
	X(OK, "ok", VERDICT_PASS, false, "The unit holds exactly the recipe.", "Put it into the good bin.")            \
	/* recipe: refused at intake, before any camera is touched */                                                  \
	X(RECIPE_MALFORMED, "recipe-malformed", VERDICT_ERROR, false, "The file is not a recipe image.",               \
	    "Ask for the recipe again; it was damaged or is something else.")                                          \
	X(RECIPE_NOT_CANONICAL, "recipe-not-canonical", VERDICT_ERROR, false,                                          \
	    "The recipe is not in its one allowed encoding.", "Build it again with stationctl recipe build.")          \
	X(MANIFEST_INVALID, "manifest-invalid", VERDICT_ERROR, false, "The manifest recipe.json breaks a rule.",       \
	    "Correct the recipe and build it again.")                                                                  \
	X(UNSIGNED, "unsigned", VERDICT_ERROR, false, "The recipe carries no signature.",                              \
	    "Have it signed: stationctl recipe sign.")                                                                 \
	X(SIGNATURE_BAD, "signature-bad", VERDICT_ERROR, false, "A signature does not fit the recipe.",                \
	    "Do not use this file; ask for the recipe again.")                                                         \
	X(SIGNATURE_LEGACY, "signature-legacy", VERDICT_ERROR, false, "A signature uses the old, not prehashed form.", \
	    "Sign again with minisign 0.11 or newer, without -l.")                                                     \
	X(KEY_UNKNOWN, "key-unknown", VERDICT_ERROR, false,                                                            \
	    "A signature was made with a key that this station does not trust.",                                       \
	    "Check who signed it; add the public key only if it is the right one.")                                    \
	X(KEY_REVOKED, "key-revoked", VERDICT_ERROR, false, "A signature was made with a revoked key.",                \
	    "Have the recipe signed with a key in force.")                                                             \
	X(KEY_NOT_IN_FORCE, "key-not-in-force", VERDICT_ERROR, false, "A signing key is not in force today.",          \
	    "Have the recipe signed with a key in force, or check the clock.")                                         \
	X(ROLE_MISSING, "role-missing", VERDICT_ERROR, false, "A required role has not signed the recipe.",            \
	    "Have the missing role sign it.")                                                                          \
	X(BOARD_UNKNOWN, "board-unknown", VERDICT_ERROR, false,                                                        \
	    "The recipe names a board that this station does not know.",                                               \
	    "Install that board file, or use another recipe.")                                                         \
	X(BOARD_MISMATCH, "board-mismatch", VERDICT_ERROR, false, "The recipe is for another board.",                  \
	    "Choose the recipe of this board.")                                                                        \
	X(PARTITION_UNKNOWN, "partition-unknown", VERDICT_ERROR, false,                                                \
	    "The recipe names a partition that the board does not have.", "Correct the recipe and build it again.")    \
	X(PARTITION_FORBIDDEN, "partition-forbidden", VERDICT_ERROR, false,                                            \
	    "The recipe would write a partition that must never be written.", "Remove that region from the recipe.")   \
	X(REGION_OVERLAP, "region-overlap", VERDICT_ERROR, false, "Two regions of the recipe overlap.",                \
	    "Correct the recipe and build it again.")                                                                  \
	X(PAYLOAD_TOO_BIG, "payload-too-big", VERDICT_ERROR, false, "A payload does not fit its partition.",           \
	    "Make the payload smaller.")                                                                               \
	X(PAYLOAD_MISMATCH, "payload-mismatch", VERDICT_ERROR, false,                                                  \
	    "A payload differs from what the manifest says of it.", "Build the recipe again.")                         \
	X(ROMFS_MALFORMED, "romfs-malformed", VERDICT_ERROR, false, "A ROMFS payload is not a sound image.",           \
	    "Build the ROMFS image again and check it with stationctl romfs check.")                                   \
	X(MODEL_MISALIGNED, "model-misaligned", VERDICT_ERROR, false, "A model is not aligned as its board needs.",    \
	    "Build the ROMFS image for this board.")                                                                   \
	X(FIRMWARE_IMPLAUSIBLE, "firmware-implausible", VERDICT_ERROR, false,                                          \
	    "A firmware payload does not start like firmware of this board.",                                          \
	    "Check that it is the right .bin file for this board.")                                                    \
	X(ROLLBACK, "rollback", VERDICT_ERROR, false, "A newer recipe of this product was already programmed here.",   \
	    "Use the newest recipe.")                                                                                  \
	X(TOO_EARLY, "too-early", VERDICT_ERROR, false, "The recipe is not in force yet.",                             \
	    "Wait for its date, or check the clock.")                                                                  \
	X(EXPIRED, "expired", VERDICT_ERROR, false, "The recipe is no longer in force.", "Ask for a current recipe.")  \
	X(UNITS_EXHAUSTED, "units-exhausted", VERDICT_ERROR, false, "The recipe's number of units is used up.",        \
	    "Ask for a recipe with a higher limit.")                                                                   \
	X(RECIPE_REVOKED, "recipe-revoked", VERDICT_ERROR, false, "The recipe was revoked.", "Use another recipe.")    \
	X(RECIPE_INACTIVE, "recipe-inactive", VERDICT_ERROR, false, "The recipe is not in use.",                       \
	    "Have it approved and activated, or use another recipe.")                                                  \
	/* admission: refused before any erase */                                                                      \
	X(UID_MALFORMED, "uid-malformed", VERDICT_ERROR, false,                                                        \
	    "The camera's unique number is not in its board's form.", "Set the camera aside for engineering.")         \
	X(DUPLICATE_UID, "duplicate-uid", VERDICT_ERROR, false,                                                        \
	    "Two cameras with the same unique number are plugged in.",                                                 \
	    "Unplug one of the two and set both aside for engineering.")                                               \
	X(ALREADY_PASSED, "already-passed", VERDICT_ERROR, false, "This camera has already passed.",                   \
	    "Put it into the good bin, or ask for a rework.")                                                          \
	X(WRONG_BOARD, "wrong-board", VERDICT_ERROR, false, "This camera is not the board that the batch is for.",     \
	    "Sort it out; plug in the right board.")                                                                   \
	X(OLD_BOOTLOADER, "old-bootloader", VERDICT_ERROR, false,                                                      \
	    "The camera's bootloader is too old for this station.", "Have its bootloader updated first.")              \
	X(NO_BATCH, "no-batch", VERDICT_ERROR, false, "No batch is open for this board.",                              \
	    "Open a batch, then plug the camera in again.")                                                            \
	X(BATCH_HELD, "batch-held", VERDICT_ERROR, false, "The batch for this board is held.",                         \
	    "Find out why it is held, then resume it and plug the camera in again.")                                   \
	X(BATCH_COMPLETE, "batch-complete", VERDICT_ERROR, false, "The batch has all its units.",                      \
	    "Close the batch and open the next one.")                                                                  \
	X(MES_REFUSED, "mes-refused", VERDICT_ERROR, false, "The MES says that this unit may not be built here now.",  \
	    "Do as the message says, or ask who runs the MES.")                                                        \
	X(MES_SILENT, "mes-silent", VERDICT_ERROR, false, "The MES gives no answer that can be understood.",           \
	    "Check the network and the MES, then plug the camera in again.")                                           \
	X(SERIAL_MISSING, "serial-missing", VERDICT_ERROR, false, "The unit has no serial to get yet.",                \
	    "Scan its serial, then the label of its slot.")                                                            \
	X(NUMBERS_EXHAUSTED, "numbers-exhausted", VERDICT_ERROR, false, "No free serial or MAC number is left.",       \
	    "Bring new numbers, then plug the camera in again.")                                                       \
	X(NUMBER_TAKEN, "number-taken", VERDICT_ERROR, false, "The serial or MAC number is another unit's, or void.",  \
	    "Look up whose it is, and use the right one.")                                                             \
	X(SERIAL_NOT_LISTED, "serial-not-listed", VERDICT_ERROR, false, "The serial is not on the batch's list.",      \
	    "Scan a serial of this batch, or set the unit aside.")                                                     \
	X(NUMBER_UNFIT, "number-unfit", VERDICT_ERROR, false,                                                          \
	    "The unit's number does not fit its place in the recipe.",                                                 \
	    "Give the unit a number in the recipe's form, or use another recipe.")                                     \
	X(SHIFT_CLOSED, "shift-closed", VERDICT_ERROR, false,                                                          \
	    "No shift is open: its challenge units have not shown what they must.",                                    \
	    "Start the shift, and deploy to each challenge unit.")                                                     \
	X(NOT_CHALLENGE, "not-challenge", VERDICT_ERROR, false, "This camera is none of the shift's challenge units.", \
	    "Take it out, and show a challenge unit.")                                                                 \
	/* FAIL: the unit is bad */                                                                                    \
	X(FLASH_MISMATCH, "flash-mismatch", VERDICT_FAIL, false,                                                       \
	    "The flash does not hold what was written, even after a rewrite.",                                         \
	    "Set the camera aside: its flash is bad.")                                                                 \
	X(FLASH_ERROR, "flash-error", VERDICT_FAIL, false,                                                             \
	    "The camera reports that its flash cannot be erased or written.",                                          \
	    "Set the camera aside: its flash is bad.")                                                                 \
	X(ROMFS_BAD, "romfs-bad", VERDICT_FAIL, false, "The camera's mount driver refuses what was read back.",        \
	    "Set the camera aside for engineering.")                                                                   \
	X(WRONG_FIRMWARE, "wrong-firmware", VERDICT_FAIL, false,                                                       \
	    "After the restart the camera reports another board's firmware.",                                          \
	    "Set the camera aside: it carries the wrong firmware.")                                                    \
	X(NO_RETURN, "no-return", VERDICT_FAIL, false, "The camera did not come back after its restart.",              \
	    "Unplug it, plug it in once more; if it fails again set it aside.")                                        \
	/* ERROR: the station, the fixture or the cable */                                                             \
	X(USB_GONE, "usb-gone", VERDICT_ERROR, true, "The camera left the bus in the middle of the work.",             \
	    "Check the cable and the fixture, then plug it in again.")                                                 \
	X(USB_TIMEOUT, "usb-timeout", VERDICT_ERROR, true, "The camera stopped answering.",                            \
	    "Check the cable, then plug it in again.")                                                                 \
	X(USB_PROTOCOL, "usb-protocol", VERDICT_ERROR, true, "The camera answered something that makes no sense.",     \
	    "Check the cable, then plug it in again; if it repeats call engineering.")                                 \
	X(USB_DENIED, "usb-denied", VERDICT_ERROR, true, "The station may not open the camera.",                       \
	    "Call engineering: the udev rule is missing.")                                                             \
	X(USB_BUSY, "usb-busy", VERDICT_ERROR, true, "Another program holds the camera.",                              \
	    "Stop the other program, then retry.")                                                                     \
	X(PROBE_MISSING, "probe-missing", VERDICT_ERROR, true, "The slot's debug probe is not there.",                 \
	    "Check the probe's cable, then retry.")                                                                    \
	X(PROBE_WRONG, "probe-wrong", VERDICT_ERROR, false,                                                            \
	    "The debug probe at this place is not the one that the line file names.",                                  \
	    "Plug the right probe in, or correct the line file.")                                                      \
	X(PROBE_DUPLICATE, "probe-duplicate", VERDICT_ERROR, false, "Two debug probes have the same serial number.",   \
	    "Replace one of the two probes.")                                                                          \
	X(PROBE_STALLED, "probe-stalled", VERDICT_ERROR, true, "The debug probe stopped answering.",                   \
	    "Unplug the probe, plug it in again, then retry.")                                                         \
	X(TARGET_MISSING, "target-missing", VERDICT_ERROR, true, "No camera answers at the slot's debug probe.",       \
	    "Check how the camera sits in its nest, then retry.")                                                      \
	X(TARGET_LOCKED, "target-locked", VERDICT_ERROR, false, "The camera's debug port is locked.",                  \
	    "Set the camera aside for engineering.")                                                                   \
	X(SWD_LOST, "swd-lost", VERDICT_ERROR, true, "The camera was lost over SWD in the middle of the work.",        \
	    "Check the nest's contacts and the camera's power, then retry.")                                           \
	X(SWD_PROTOCOL, "swd-protocol", VERDICT_ERROR, true, "What came over SWD makes no sense.",                     \
	    "Check the probe and the nest's contacts, then retry; if it repeats call engineering.")                    \
	X(AGENT_SILENT, "agent-silent", VERDICT_ERROR, true, "The program in the camera's memory does not answer.",    \
	    "Check the nest's contacts and the camera's power, then retry.")                                           \
	X(AGENT_FOREIGN, "agent-foreign", VERDICT_ERROR, false,                                                        \
	    "The program in the camera's memory is not this station's.",                                               \
	    "Install one version of the station as a whole.")                                                          \
	X(WRONG_PATH, "wrong-path", VERDICT_ERROR, false, "The camera came back on another USB port.",                 \
	    "Check the fixture's cables, then plug it in again.")                                                      \
	X(LEFT_EARLY, "left-early", VERDICT_ERROR, true, "The camera left its bootloader before it was programmed.",   \
	    "Plug it in again.")                                                                                       \
	X(STATION_STOPPED, "station-stopped", VERDICT_ERROR, false,                                                    \
	    "The station stopped while it worked on this camera.", "Plug the camera in again, or press retry.")        \
	X(JOURNAL_FAILED, "journal-failed", VERDICT_ERROR, false, "The result could not be written to disk.",          \
	    "DO NOT SHIP. Call engineering: check the station's disk.")                                                \
	X(CLOCK_BEHIND, "clock-behind", VERDICT_ERROR, false, "The station's clock is behind its own journal.",        \
	    "Set the clock right.")                                                                                    \
	X(ABORTED, "aborted", VERDICT_ABORTED, false, "The work on this camera was stopped by a person.",              \
	    "Plug the camera in again to start over.")                                                                 \
	/* answers of the API and the command line; never a verdict */                                                 \
	X(BATCH_OPEN, "batch-open", VERDICT_ERROR, false, "A batch for this board is already open.",                   \
	    "Close it first.")                                                                                         \
	X(REPLUG_NEEDED, "replug-needed", VERDICT_ERROR, false, "This camera cannot be retried in place.",             \
	    "Unplug it and plug it in again.")                                                                         \
	X(TOO_MANY_EQUAL, "too-many-equal", VERDICT_ERROR, false, "The same trouble came up too many times in a row.", \
	    "Find the cause, then resume.")                                                                            \
	X(STATION_HELD, "station-held", VERDICT_ERROR, false, "The station is held and starts nothing.",               \
	    "See the station's message, then resume.")                                                                 \
	X(NOT_FOUND, "not-found", VERDICT_ERROR, false, "There is no such thing here.", "Check the name or number.")   \
	X(CONFLICT, "conflict", VERDICT_ERROR, false, "That does not fit the present state.",                          \
	    "Look at the present state, then decide.")                                                                 \
	X(BAD_REQUEST, "bad-request", VERDICT_ERROR, false, "The request breaks a rule.", "Correct the request.")      \
	X(TOO_LARGE, "too-large", VERDICT_ERROR, false, "That is larger than allowed.", "Send less.")                  \
	X(WRONG_HOST, "wrong-host", VERDICT_ERROR, false, "The request names another host than this station.",         \
	    "Use the address in http.address.")                                                                        \
	X(FOREIGN_ORIGIN, "foreign-origin", VERDICT_ERROR, false,                                                      \
	    "A page of another site may not command this station.", "Use the station's own pages or its API.")         \
	X(LOGIN_NEEDED, "login-needed", VERDICT_ERROR, false, "Nobody is logged in.",                                  \
	    "Log in with a badge or PIN, or send a token.")                                                            \
	X(LOGIN_FAILED, "login-failed", VERDICT_ERROR, false, "Nobody has this badge, or this name with this PIN.",    \
	    "Try again, or ask an administrator for a new PIN or badge.")                                              \
	X(LOGIN_WAIT, "login-wait", VERDICT_ERROR, true, "The station looks at no further login just now.",            \
	    "Wait as long as it says, then try again.")                                                                \
	X(TOKEN_INVALID, "token-invalid", VERDICT_ERROR, false, "The token is none of this station's, or no longer.",  \
	    "Ask an administrator for a new token.")                                                                   \
	X(FORBIDDEN, "forbidden", VERDICT_ERROR, false, "The role or token does not allow this.",                      \
	    "Ask somebody whose role allows it.")                                                                      \
	X(LAST_ADMIN, "last-admin", VERDICT_ERROR, false, "Nobody else could administer the people here.",             \
	    "Give the role admin, and a badge or PIN, to somebody else first.")                                        \
	X(METHOD_NOT_ALLOWED, "method-not-allowed", VERDICT_ERROR, false, "That cannot be done with this address.",    \
	    "See the Allow header.")                                                                                   \
	X(MEDIA_TYPE, "media-type", VERDICT_ERROR, false, "The request has no content type that is taken here.",       \
	    "Send application/json, or a recipe as application/octet-stream.")                                         \
	X(KEY_REUSED, "key-reused", VERDICT_ERROR, false, "This Idempotency-Key was used for another request.",        \
	    "Use a new key for a new request.")                                                                        \
	X(KEY_IN_USE, "key-in-use", VERDICT_ERROR, false, "A request with this Idempotency-Key is under way.",         \
	    "Wait for its answer, then ask again.")                                                                    \
	X(MES_PARKED, "mes-parked", VERDICT_ERROR, false, "The MES would not take an event.",                          \
	    "See why it answered so, then have it sent again or dropped.")                                             \
	X(LABEL_FAILED, "label-failed", VERDICT_ERROR, false, "The label was not printed.",                            \
	    "See to the printer, then print the label again.")                                                         \
	X(PRECONDITION_FAILED, "precondition-failed", VERDICT_ERROR, false,                                            \
	    "It is no longer what the request says it is.", "Look at it as it is now, then decide.")                   \
	X(TOO_MANY_CLIENTS, "too-many-clients", VERDICT_ERROR, false,                                                  \
	    "As many clients listen to the events as the station can serve.", "Close other pages of the station.")     \
	X(USAGE, "usage", VERDICT_ERROR, false, "The command line is wrong.", "See the manual page.")                  \
	X(CONFIG_INVALID, "config-invalid", VERDICT_ERROR, false, "The configuration breaks a rule.",                  \
	    "Correct the named line.")                                                                                 \
	X(LISTEN_UNSAFE, "listen-unsafe", VERDICT_ERROR, false,                                                        \
	    "Other machines may reach the station only over TLS and after a login.",                                   \
	    "Set [people] login = required, [http] tls_cert and tls_key; or listen on 127.0.0.1.")                     \
	X(BOARD_INVALID, "board-invalid", VERDICT_ERROR, false, "A board file breaks a rule.",                         \
	    "Correct the board file.")                                                                                 \
	X(TRUST_INVALID, "trust-invalid", VERDICT_ERROR, false, "The folder of trusted keys breaks a rule.",           \
	    "Correct the named file.")                                                                                 \
	X(IMAGE_INVALID, "image-invalid", VERDICT_ERROR, false, "The file is not a sound ROMFS image.",                \
	    "Build the image again.")                                                                                  \
	X(NAME_INVALID, "name-invalid", VERDICT_ERROR, false, "A file cannot be put into an image under this name.",   \
	    "Rename the file.")                                                                                        \
	X(MODEL_INVALID, "model-invalid", VERDICT_ERROR, false, "A file named .tflite is no TensorFlow Lite model.",   \
	    "Convert or export the model again.")                                                                      \
	X(CHILD_FAILED, "child-failed", VERDICT_ERROR, false, "A program that was called for help failed.",            \
	    "See what it printed, correct that, then try again.")                                                      \
	X(JSON_INVALID, "json-invalid", VERDICT_ERROR, false, "The text is not strict JSON.", "Correct the text.")     \
	X(FILE_FAILED, "file-failed", VERDICT_ERROR, false, "A file could not be read or written.",                    \
	    "Check the path, the permissions and the disk.")                                                           \
	X(NO_MEMORY, "no-memory", VERDICT_ERROR, false, "There is not enough memory.",                                 \
	    "Close other programs or add memory.")                                                                     \
	X(DAEMON_UNREACHABLE, "daemon-unreachable", VERDICT_ERROR, true, "The station's daemon does not answer.",      \
	    "Start stationd, or give its address with --url.")                                                         \
	X(INTERNAL, "internal", VERDICT_ERROR, false, "The program found a fault in itself.",                          \
	    "Tell engineering: this must never happen.")

#endif
