import { ByteReader, ByteWriter, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { type ChatState, type Protocol, createState, putSession } from "./state.ts";

const SNAPSHOT_VERSION = 1;
const PROTOCOLS: readonly Protocol[] = ["plain"];

/** A snapshot that this version cannot read. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/** The whole state as bytes. Equal states give equal bytes: sessions stand in the order of their arrival. */
export function takeSnapshot(state: ChatState): Uint8Array {
  const writer = new ByteWriter(64 + state.sessions.size * 48);
  writer.uint8(SNAPSHOT_VERSION).uint53(state.nextGuest).uint32(state.sessions.size);
  for (const session of state.sessions.values()) {
    writer
      .uint53(session.id)
      .uint16(session.process)
      .uint8(PROTOCOLS.indexOf(session.protocol))
      .sized(encodeUtf8(session.nick))
      .sized(encodeUtf8(session.displayName));
  }
  return writer.finish();
}

/** @throws SnapshotError for another version or bytes too many, TruncatedError for bytes that end too early */
export function restoreSnapshot(bytes: Uint8Array): ChatState {
  const reader = new ByteReader(bytes);
  const version = reader.uint8();
  if (version !== SNAPSHOT_VERSION)
    throw new SnapshotError(`the snapshot is of version ${version}, this program knows ${SNAPSHOT_VERSION}`);
  const state = createState();
  state.nextGuest = reader.uint53();
  for (let left = reader.uint32(); left > 0; left -= 1) {
    const id = reader.uint53();
    const process = reader.uint16();
    const protocol = PROTOCOLS[reader.uint8()];
    if (protocol === undefined)
      throw new SnapshotError("the snapshot names a protocol that this program does not know");
    const nick = decodeUtf8(reader.sized());
    putSession(state, { id, process, protocol, nick, displayName: decodeUtf8(reader.sized()) });
  }
  if (reader.remaining > 0)
    throw new SnapshotError(`${reader.remaining} bytes follow the end of the snapshot`);
  return state;
}
