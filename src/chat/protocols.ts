/** What a client speaks: the one list of it. Its order is part of the records' bytes, so new ones go to the end. */
export const PROTOCOLS = ["plain", "irc"] as const;

export type Protocol = (typeof PROTOCOLS)[number];
