import { ByteReader, ByteWriter, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { ROLES, type Role } from "../chat/index.ts";

/** What somebody who runs the server wants done with an account. */
export type UserCommand =
  | { readonly action: "add"; readonly name: string; readonly role: Role; readonly password: string }
  | { readonly action: "passwd"; readonly name: string; readonly password: string }
  | { readonly action: "role"; readonly name: string; readonly role: Role }
  | { readonly action: "remove"; readonly name: string };

/** Their order is part of the bytes. */
const ACTIONS = ["add", "passwd", "role", "remove"] as const;
/** Longer names and passwords are none, and would not fit a message of a seat socket. */
const TEXT_BYTES_MAX = 1024;

/** Undefined for what is no such command, or is far too long for one. */
export function parseUserCommand(value: unknown): UserCommand | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { action, name, role, password } = value as Readonly<Record<string, unknown>>;
  if (!isText(name)) return undefined;
  if (action === "remove") return { action, name };
  if (action === "passwd") return isText(password) ? { action, name, password } : undefined;
  const known = ROLES.find((each) => each === role);
  if (known === undefined) return undefined;
  if (action === "role") return { action, name, role: known };
  if (action === "add" && isText(password)) return { action, name, role: known, password };
  return undefined;
}

export function encodeUserCommand(command: UserCommand): Uint8Array {
  const { action, name, role, password } = { role: ROLES[0], password: "", ...command };
  return new ByteWriter()
    .uint8(ACTIONS.indexOf(action))
    .uint8(ROLES.indexOf(role))
    .sized(encodeUtf8(name))
    .sized(encodeUtf8(password))
    .finish();
}

/** Undefined for what `encodeUserCommand` does not make. @throws TruncatedError */
export function decodeUserCommand(bytes: Uint8Array): UserCommand | undefined {
  const reader = new ByteReader(bytes);
  const action = ACTIONS[reader.uint8()];
  const role = ROLES[reader.uint8()];
  const name = decodeUtf8(reader.sized());
  return parseUserCommand({ action, role, name, password: decodeUtf8(reader.sized()) });
}

function isText(value: unknown): value is string {
  return typeof value === "string" && encodeUtf8(value).length <= TEXT_BYTES_MAX;
}
