import assert from "node:assert/strict";
import { test } from "node:test";
import { Story } from "../../test/support/story.ts";
import type { Client } from "./client.ts";
import { Delivery, type ShownEffect } from "./delivery.ts";
import { Outbox } from "./outbox.ts";
import { People } from "./people.ts";
import { Replica } from "./replica.ts";

test("whoever runs a room by any rank is told that what is said is not kept, and nobody else", () => {
  const story = new Story("lob", "fay", "ann", "ole", "hal");
  for (const line of [
    "process 5 keeps history",
    "account Fay2 is user",
    "fay proves Fay2",
    "fay nick fay",
    ...["fay", "ann", "ole", "hal"].map((name) => `${name} joins #tea`),
    "fay sets +admin ann",
    "fay sets +operator ole",
    "fay sets +halfOperator hal",
    "fay sets -operator fay",
    "lob leaves quit",
    "fay parts #lobby",
  ])
    assert.notEqual(story.apply(line)[0]?.kind, "refused", line);
  const replica = new Replica((text) => assert.fail(text));
  replica.resume(story.state, story.sequence);
  const told: string[] = [];
  const clients = new Map<number, Client>();
  for (const { id, nick } of story.state.sessions.values()) {
    const conversation = { tell: ({ kind }: { kind: string }) => told.push(`${nick} ${kind}`) };
    clients.set(id, { session: id, conversation } as unknown as Client);
  }
  const delivery = new Delivery(new Outbox(), replica, new People(), clients);
  for (const effect of story.apply("the store fails"))
    delivery.show(effect as ShownEffect, { sequence: 1, timeMs: 1 }, undefined);
  assert.deepEqual(told, ["fay storeChanged", "ann storeChanged", "ole storeChanged"]);
});
