/*
 * Order and loss: fifty clients in fifty processes, each saying a thousand numbered lines as fast as it can, in pieces
 * that split lines and characters. Everybody gets every line of all the others once, whole, and in one common order.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../src/base/index.ts";
import { TestClient, TestServer, until } from "../support/server.ts";

const CLIENTS = 50;
const LINES = 1000;

test(
  `${CLIENTS} clients with ${LINES} lines each: one order, nothing lost`,
  { timeout: 180_000 },
  async (t) => {
    const seed = Date.now() | 0;
    t.diagnostic(`seed ${seed}`);
    const random = seededRandom(seed);
    await using server = await TestServer.start([
      "--max-processes",
      String(CLIENTS),
      "--max-clients",
      String(CLIENTS),
    ]);
    const clients: TestClient[] = [];
    for (let i = 0; i < CLIENTS; i += 1) clients.push(await TestClient.named(server.port, `client${i}`));
    const { processes } = await server.status();
    const busy = processes.filter((each) => each.role === "worker" && each.clients > 0);
    assert.equal(busy.length, CLIENTS, "each client has a process of its own");

    await Promise.all(
      clients.map(async (client, index) => {
        const lines = Array.from(
          { length: LINES },
          (_, line) => `line ${line} of ${index}: 漢字 and ελληνικά\n`,
        );
        const bytes = Buffer.from(lines.join(""));
        for (let at = 0; at < bytes.length;) {
          const end = Math.min(bytes.length, at + random.between(1, 3000));
          if (!client.socket.write(bytes.subarray(at, end)))
            await new Promise((resolve) => client.socket.once("drain", resolve));
          at = end;
        }
      }),
    );
    const said = (client: TestClient): string[] => client.lines.filter((line) => line.startsWith("<"));
    const expected = (CLIENTS - 1) * LINES;
    for (const client of clients) {
      await until(`${expected} lines, ${said(client).length} came`, () => said(client).length >= expected);
    }
    // Each client's own lines are missing from what it saw: the order is compared without the two who are compared.
    const [reference, ...others] = clients.map(said);
    for (const [index, seen] of others.entries()) {
      const own = index + 1;
      assert.equal(seen.length, expected);
      assert.equal(new Set(seen).size, expected, "every line once");
      const without = (lines: string[]): string[] =>
        lines.filter((line) => !line.startsWith("<client0>") && !line.startsWith(`<client${own}>`));
      assert.deepEqual(without(seen), without(reference!), "one common order");
    }
    for (const [index, client] of clients.entries()) {
      const next = new Map<string, number>();
      for (const line of said(client)) {
        const [, who, number, of] = /^<client(\d+)> line (\d+) of (\d+): 漢字 and ελληνικά$/.exec(line) ?? [];
        assert.ok(who !== undefined && who === of && who !== String(index), `a torn line: ${line}`);
        assert.equal(Number(number), next.get(who) ?? 0);
        next.set(who, Number(number) + 1);
      }
    }
    for (const client of clients) client[Symbol.dispose]();
  },
);
