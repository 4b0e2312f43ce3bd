import assert from "node:assert/strict";
import { test } from "node:test";
import { createState, takeSnapshot } from "../chat/index.ts";
import type { LogMember } from "../log/index.ts";
import { WorkerChild } from "./child.ts";
import type { ChildPorts } from "./ports.ts";

test("a state that is told a second time, because the first teller has died meanwhile, is let go", () => {
  const sent: string[] = [];
  const closed: number[] = [];
  const ports = {
    clock: { now: () => 0, setTimer: () => ({ cancel: () => {} }), localTime: String },
    version: "1",
    send: ({ type }) => sent.push(type),
    takeShared: () => takeSnapshot(createState()),
    close: (handle) => closed.push(handle),
  } satisfies Partial<ChildPorts>;
  const followed: string[] = [];
  const member = { follow: (what: string) => followed.push(what), setAttentive: () => {} };
  const child = new WorkerChild(ports as unknown as ChildPorts, member as unknown as LogMember, {
    serverName: "chorus",
    networkName: "chorus",
    version: "1",
    startedMs: 0,
    motd: "",
    admin: "",
    floodLines: 0,
    maxQueueBytes: 1,
    maxLagRecords: 1,
  });
  const state = { type: "state", process: 3, generation: 1 } as const;
  child.receive({ ...state, through: 20 }, [7]);
  child.receive({ ...state, through: 10 }, [8]);
  child.receive({ ...state, through: 30 }, []);
  assert.equal(child.replica.through, 20);
  assert.deepEqual([sent, closed, followed], [["ready"], [8], ["nothing", "delivered"]]);
});
