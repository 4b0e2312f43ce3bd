import { assert } from "../base/index.ts";
import type { Handle } from "../server/index.ts";
import { Connection } from "./connection.ts";
import type { Owner } from "./scheduler.ts";

/** What can be held: a client's connection, or memory. A client's area goes with its connection, as a mere handle. */
export type Held = Connection | Uint8Array;

interface Opened {
  readonly owner: Owner;
  readonly what: Held;
}

/** What is held open, and by whom. A connection that nobody holds any more is over. */
export class Kernel {
  readonly #opened = new Map<Handle, Opened>();
  readonly #onUnheld: (connection: Connection) => void;
  #next = 1;

  /** @param onUnheld told of a connection whose last holder has closed it, or died */
  constructor(onUnheld: (connection: Connection) => void) {
    this.#onUnheld = onUnheld;
  }

  open(owner: Owner, what: Held): Handle {
    const handle = this.#next;
    this.#next += 1;
    this.#opened.set(handle, { owner, what });
    if (what instanceof Connection) what.holders += 1;
    return handle;
  }

  close(handle: Handle): void {
    const { what } = this.#get(handle);
    this.#opened.delete(handle);
    if (!(what instanceof Connection)) return;
    what.holders -= 1;
    if (what.holders === 0) this.#onUnheld(what);
  }

  connection(handle: Handle): Connection {
    const { what } = this.#get(handle);
    assert(what instanceof Connection, `handle ${handle} is no connection`);
    return what;
  }

  /** Uses the handle up. */
  takeMemory(handle: Handle): Uint8Array {
    const { what } = this.#get(handle);
    assert(what instanceof Uint8Array, `handle ${handle} is no memory`);
    this.close(handle);
    return what;
  }

  /** What travels beside a message: handles of the receiver's own, and that already while they are on their way. */
  passOn(handles: readonly Handle[], to: Owner): Handle[] {
    return handles.map((handle) => this.open(to, this.#get(handle).what));
  }

  /** Its owner is dead. */
  closeAll(owner: Owner): void {
    for (const [handle, opened] of this.#opened) if (opened.owner === owner) this.close(handle);
  }

  /** How many handles somebody has. */
  count(owner: Owner): number {
    let count = 0;
    for (const opened of this.#opened.values()) if (opened.owner === owner) count += 1;
    return count;
  }

  #get(handle: Handle): Opened {
    const opened = this.#opened.get(handle);
    assert(opened !== undefined, `handle ${handle} is not open`);
    return opened;
  }
}
