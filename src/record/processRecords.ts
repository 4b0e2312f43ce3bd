import { ByteWriter } from "../base/index.ts";
import { readWhole } from "./readWhole.ts";

/** A process has begun to read the log here, and wants the state as it is at this record. */
export interface SnapshotWanted {
  readonly forProcess: number;
  readonly generation: number;
  /** The replica that is to tell, or GENESIS. */
  readonly fromProcess: number;
}

/** A part of the answer. */
export interface Snapshot {
  readonly forProcess: number;
  readonly generation: number;
  /** Of the record that asked: the state is the one right after it. */
  readonly wantedSequence: number;
  readonly part: number;
  readonly parts: number;
  /** A view when decoded. */
  readonly bytes: Uint8Array;
}

export function encodeSnapshotWanted(wanted: SnapshotWanted): Uint8Array {
  return new ByteWriter()
    .uint16(wanted.forProcess)
    .uint32(wanted.generation)
    .uint16(wanted.fromProcess)
    .finish();
}

export function decodeSnapshotWanted(
  bytes: Uint8Array,
  start: number,
  length: number,
): SnapshotWanted | undefined {
  return readWhole(bytes, start, length, (reader) => ({
    forProcess: reader.uint16(),
    generation: reader.uint32(),
    fromProcess: reader.uint16(),
  }));
}

export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  return new ByteWriter(snapshot.bytes.length + 32)
    .uint16(snapshot.forProcess)
    .uint32(snapshot.generation)
    .uint53(snapshot.wantedSequence)
    .uint16(snapshot.part)
    .uint16(snapshot.parts)
    .raw(snapshot.bytes)
    .finish();
}

export function decodeSnapshot(bytes: Uint8Array, start: number, length: number): Snapshot | undefined {
  return readWhole(bytes, start, length, (reader) => ({
    forProcess: reader.uint16(),
    generation: reader.uint32(),
    wantedSequence: reader.uint53(),
    part: reader.uint16(),
    parts: reader.uint16(),
    bytes: reader.raw(reader.remaining),
  }));
}
