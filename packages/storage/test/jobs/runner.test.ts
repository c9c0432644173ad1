/** Workers over the queue in a file. */
import { runnerSuite } from "./runner-suite.ts";
import { World } from "./runner-world.ts";

runnerSuite("SQLite", World.inFile);
