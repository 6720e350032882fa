// Starts Azurite in this process and ends with its parent: when standard input closes, so does
// the emulator. A test binary that dies, however it dies, leaves nothing behind.
"use strict";

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));

require("azurite/dist/src/azurite.js");
