import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { Outbox, Share } from "./outbox.ts";

function taken(share: Share): string | undefined {
  const bytes = share.finish();
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}

function say(outbox: Outbox, text: string, ...shares: readonly Share[]): void {
  const from = outbox.length;
  outbox.append(encodeUtf8(text));
  for (const share of shares) share.include(from, outbox.length);
}

test("shares take the lines that are for them, with what was for them alone in between", () => {
  const outbox = new Outbox(4);
  const [one, other] = [new Share(outbox), new Share(outbox)];
  say(outbox, "a ", one, other);
  one.append(encodeUtf8("(for one) "));
  say(outbox, "b ", one);
  say(outbox, "c", one, other);
  say(outbox, "d");
  assert.equal(taken(one), "a (for one) b c");
  assert.equal(taken(other), "a c");
  assert.equal(taken(other), undefined);
});

test("what is taken in the middle of a turn comes once", () => {
  const outbox = new Outbox();
  const share = new Share(outbox);
  say(outbox, "a ", share);
  assert.equal(taken(share), "a ");
  say(outbox, "b", share);
  assert.equal(taken(share), "b");
});

test("what was taken stays as it is when the outbox begins anew", () => {
  const outbox = new Outbox();
  const share = new Share(outbox);
  say(outbox, "first", share);
  const first = share.finish()!;
  outbox.clear();
  share.restart();
  say(outbox, "other", share);
  assert.equal(decodeUtf8(first), "first");
  assert.equal(taken(share), "other");
});
