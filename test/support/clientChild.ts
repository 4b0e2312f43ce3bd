/*
 * Serves one client as a worker does, in place of one that is dead: started with the client's connection as
 * descriptor 3, its area as 4, and as 5 a page of memory whose first word says up to where this process has published.
 * It begins when something comes on its standard input, and is killed, unless the client has half-closed before.
 */
import { KiB, assert } from "../../src/base/index.ts";
import { ArrayWords } from "../../src/log/index.ts";
import { connectClient } from "../../src/node/clientConnection.ts";
import { mapShared, pageBytes, viewMemory } from "../../src/node/libc.ts";
import { answerTo } from "./clientLines.ts";

const LINES_PER_TURN = 64;
/** Of answers that the client has not taken: then it is not read any more. */
const QUEUE_BYTES_MAX = 64 * KiB;
const LF = 0x0a;

const page = new ArrayWords(viewMemory(mapShared(5, pageBytes(), { writable: true }), pageBytes()));

function serve(): void {
  let isDue = false;
  let appended = page.load(0);
  const connection = connectClient([3, 4], { onInput: wake, onDrained: wake, onLost: () => process.exit(3) });
  /** Lines that were answered, by this process and those before it. */
  let lines = connection.through;
  assert(
    Buffer.from(connection.notes).toString() === (lines === 0 ? "" : String(lines)),
    "notes of another turn",
  );

  function wake(): void {
    if (!isDue) setImmediate(turn);
    isDue = true;
  }

  function turn(): void {
    isDue = false;
    for (let count = 0; count < LINES_PER_TURN && connection.queuedBytes < QUEUE_BYTES_MAX; count += 1) {
      const pending = connection.pending();
      const end = pending.indexOf(LF) + 1;
      if (end === 0) break;
      connection.write(answerTo(Buffer.from(pending.subarray(0, end)).toString()));
      assert(!connection.isOverflowing, "the output ring is full");
      connection.consume(end);
      lines += 1;
      appended = (appended + 8) | 0;
      wake();
    }
    connection.notes = Buffer.from(String(lines));
    connection.commit({ through: lines, appended });
    page.store(0, appended);
    connection.send();
    if (connection.inputEnded && connection.pending().length === 0) connection.finish(() => process.exit(0));
  }

  connection.send();
  wake();
}

process.stdin.once("data", serve);
process.stdout.write("ready\n");
