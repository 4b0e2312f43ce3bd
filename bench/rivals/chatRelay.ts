/*
 * The plainest chat server there can be: one process, one event loop, everybody's line written to everybody else. It
 * gathers what a turn of the loop brings into one write for each client, limits nothing, and survives nothing.
 *
 *   node chatRelay.ts      prints the port that it listens on
 */
import { type AddressInfo, type Socket, createServer } from "node:net";

const NEWLINE = 0x0a;
const clients = new Map<Socket, Buffer[]>();
let isScheduled = false;

function flush(): void {
  isScheduled = false;
  for (const [socket, lines] of clients) {
    if (lines.length === 0) continue;
    socket.write(lines.length === 1 ? lines[0]! : Buffer.concat(lines));
    clients.set(socket, []);
  }
}

function say(from: Socket, line: Buffer): void {
  for (const [socket, lines] of clients) if (socket !== from) lines.push(line);
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(flush);
}

let count = 0;
const server = createServer({ noDelay: true }, (socket) => {
  count += 1;
  const name = Buffer.from(`<guest${count}> `);
  let rest: Buffer = Buffer.alloc(0);
  clients.set(socket, []);
  socket.write(`-- you are in, guest${count}\n`);
  socket.on("data", (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      say(socket, Buffer.concat([name, bytes.subarray(start, end + 1)]));
      start = end + 1;
    }
    rest = bytes.subarray(start);
  });
  socket.on("error", () => undefined);
  socket.on("close", () => clients.delete(socket));
});
server.listen(0, "127.0.0.1", () => console.log(String((server.address() as AddressInfo).port)));
