import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fromBase64, toBase64 } from "./index.ts";

test("base64 is what the rest of the world takes it for, and each of its texts means other bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      const text = toBase64(bytes);
      assert.equal(text, Buffer.from(bytes).toString("base64"));
      assert.deepEqual(fromBase64(text), bytes);
    }),
  );
  const texts = fc.string({ unit: fc.constantFrom(..."AZaz09+/=-_ \u00e9"), maxLength: 12 });
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = fromBase64(text);
      if (bytes !== undefined) assert.equal(toBase64(bytes), text);
    }),
  );
  const wrong = "A,AA,AAA,A===,====,=AAA,AA=A,AA-_,-_==,ab==c,ab=c,ab==ab==,YQ=,YR==,AB==,AAB=".split(",");
  for (const text of [...wrong, "AAAA\n", "ab\n=="])
    assert.equal(fromBase64(text), undefined, JSON.stringify(text));
});
