import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeUtf8 } from "../../base/index.ts";
import { SaslResponse, saslChunks, saslPlain } from "./index.ts";

test("a response arrives in pieces of 400 bytes, the last of them shorter", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2900 }), (length) => {
      const bytes = new Uint8Array(length).map((_, index) => index);
      const response = new SaslResponse();
      const chunks = saslChunks(bytes);
      for (const chunk of chunks.slice(0, -1)) {
        assert.equal(chunk.length, 400);
        assert.deepEqual(response.take(chunk), { kind: "more" });
      }
      assert.deepEqual(response.take(chunks.at(-1)!), { kind: "response", bytes });
    }),
  );
  assert.deepEqual(saslChunks(new Uint8Array()), ["+"]);
  assert.deepEqual(saslChunks(new Uint8Array(300)).at(-1), "+", "a piece of 400 is never the last");
});

test("what goes wrong ends the response, and the next one begins anew", () => {
  const chunk = "A".repeat(400);
  const rows = [
    [[`${chunk}A`], "tooLong"],
    [Array.from({ length: 11 }, () => chunk), "tooLong"],
    [["A!=="], "malformed"],
    [[chunk, "A"], "malformed"],
  ] as const;
  for (const [pieces, kind] of rows) {
    const response = new SaslResponse();
    let last: string | undefined;
    for (const piece of pieces) last = response.take(piece).kind;
    assert.equal(last, kind);
    assert.deepEqual(response.take("AAAA"), { kind: "response", bytes: new Uint8Array(3) });
  }
});

test("RFC 4616, 2: message = [authzid] UTF8NUL authcid UTF8NUL passwd", () => {
  const rows = [
    ["\0tim\0tanstaaftanstaaf", { authzid: "", authcid: "tim", password: "tanstaaftanstaaf" }],
    ["Ursel\0Kurt\0xipj3plmq", { authzid: "Ursel", authcid: "Kurt", password: "xipj3plmq" }],
    ["\0小明\0pässwörd ", { authzid: "", authcid: "小明", password: "pässwörd " }],
    ["\0tim\0", undefined],
    ["\0\0password", undefined],
    ["tim\0password", undefined],
    ["\0tim\0pass\0word", undefined],
    ["", undefined],
  ] as const;
  for (const [text, credentials] of rows) assert.deepEqual(saslPlain(encodeUtf8(text)), credentials, text);
  assert.equal(saslPlain(Uint8Array.of(0, 0x61, 0, 0xff)), undefined, "not UTF-8");
});
