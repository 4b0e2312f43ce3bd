/**
 * The memory that the log lives in: 32-bit words, and the same memory as bytes.
 *
 * `load` and `store` are sequentially consistent: nothing moves across them, neither in the compiler nor in the
 * processor. They carry every position, epoch and flag that another process acts upon. `get` and `set` are plain:
 * for what was published earlier by a `store` of its position, or is about to be.
 *
 * All four are aligned 32-bit accesses, which no machine tears. `Buffer.writeInt32LE` and `DataView` are four byte
 * accesses and do tear: never use them on shared words.
 *
 * The log takes this interface rather than an array so that a model of a processor's store buffer can stand in for
 * the memory, and the very code that ships be explored.
 */
export interface Words {
  load(index: number): number;
  store(index: number, value: number): void;
  get(index: number): number;
  set(index: number, value: number): void;
  /** Payloads: written before the position that publishes them, read after it. */
  readonly bytes: Uint8Array;
}

/**
 * Words in real memory, shared or not.
 *
 * A mapped file is a plain ArrayBuffer to JavaScript, for which the language's memory model promises nothing about
 * other processes. V8 compiles `Atomics` on it to the same instructions as on a SharedArrayBuffer: a fact of its
 * implementation, which is why all such accesses stand in this one class.
 */
export class ArrayWords implements Words {
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;

  constructor(buffer: ArrayBufferLike) {
    this.#words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  load(index: number): number {
    return Atomics.load(this.#words, index);
  }

  store(index: number, value: number): void {
    Atomics.store(this.#words, index, value);
  }

  get(index: number): number {
    return this.#words[index]!;
  }

  set(index: number, value: number): void {
    this.#words[index] = value;
  }
}
