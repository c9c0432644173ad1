/** What a file of a sector is for; see files.ts. */
export const fileRoles = ["staged", "unsealed", "sealed", "aux", "tree", "proof"] as const;
export type FileRole = (typeof fileRoles)[number];
