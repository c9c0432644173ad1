/**
 * The one file that opens the node's door for work without a running node; loaded by the commands that do such
 * work, when they do it.
 */
export const offline = () => import("@holdfast/node/offline");
