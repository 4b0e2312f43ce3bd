import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { Outbox, Share } from "./outbox.ts";

function taken(share: Share): string | undefined {
  const bytes = share.finish();
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}

test("shares take the same lines, less what was not for them, with what was for them alone in between", () => {
  const outbox = new Outbox(4);
  const [one, other] = [new Share(outbox), new Share(outbox)];
  outbox.append(encodeUtf8("a "));
  one.append(encodeUtf8("(for one) "));
  const since = outbox.length;
  outbox.append(encodeUtf8("b "));
  other.skip(since);
  outbox.append(encodeUtf8("c"));
  assert.equal(taken(one), "a (for one) b c");
  assert.equal(taken(other), "a c");
  assert.equal(taken(other), undefined);
});

test("what was taken stays as it is when the outbox begins anew", () => {
  const outbox = new Outbox();
  const share = new Share(outbox);
  outbox.append(encodeUtf8("first"));
  const first = share.finish()!;
  outbox.clear();
  share.restart();
  outbox.append(encodeUtf8("other"));
  assert.equal(decodeUtf8(first), "first");
  assert.equal(taken(share), "other");
});

test("a share that begins late has nothing of what was said in the same turn before", () => {
  const outbox = new Outbox();
  const share = new Share(outbox);
  outbox.append(encodeUtf8("before "));
  share.skip(outbox.length);
  outbox.append(encodeUtf8("it came "));
  share.begin();
  share.append(encodeUtf8("welcome "));
  outbox.append(encodeUtf8("after"));
  assert.equal(taken(share), "welcome after");
});
