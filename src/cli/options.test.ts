import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "commander";
import {
  type Parser,
  byteSize,
  directory,
  hostName,
  integer,
  personName,
  powerOfTwo,
  serverName,
} from "./options.ts";

function refuses(parse: Parser<unknown>, texts: readonly string[], reason: RegExp): void {
  for (const text of texts) {
    assert.throws(
      () => parse(text),
      (error) => error instanceof InvalidArgumentError && reason.test(error.message),
      JSON.stringify(text),
    );
  }
}

test("whole numbers in a range", () => {
  const port = integer(0, 65_535);
  assert.equal(port("0"), 0);
  assert.equal(port("65535"), 65_535);
  refuses(port, ["", "-1", "65536", "4e3", "0x10", "1.5", " 1", "99999999999999999999"], /from 0 to 65535/);
  refuses(integer(1), ["0"], /at least 1/);
});

test("sizes in bytes, with and without a unit", () => {
  const size = byteSize(1);
  const texts = ["65536", "64k", "64K", "64KiB", "64 kib"];
  for (const text of texts) assert.equal(size(text), 65_536, text);
  assert.equal(size("1MiB"), 1_048_576);
  assert.equal(size("2g"), 2_147_483_648);
  refuses(size, ["", "k", "1.5k", "-1", "10kb", "1 TiB"], /number of bytes/);
  refuses(size, ["0", "999999999999999g"], /at least 1/);
});

test("powers of two, with a hint at the next ones", () => {
  const parse = powerOfTwo(byteSize(65_536));
  assert.equal(parse("256KiB"), 262_144);
  refuses(parse, ["100000"], /65536 or 131072/);
  refuses(parse, ["1024"], /at least 65536/);
});

test("a host is not a port", () => {
  for (const host of ["127.0.0.1", "::1", "localhost", "chat.example.org", "0.0.0.0"])
    assert.equal(hostName(host), host);
  refuses(hostName, ["4000"], /host comes before the port: 127\.0\.0\.1 4000/);
  refuses(hostName, ["", "a b", "http://example.org"], /name or address/);
});

test("names and folders", () => {
  assert.equal(serverName("chorus-2.b"), "chorus-2.b");
  refuses(serverName, ["", "..", "a/b", "a b", "x".repeat(65)], /1 to 64/);
  assert.equal(personName("  小明 "), "小明");
  refuses(personName, ["", "  ", "a\nb", "a\u0007"], /one line/);
  assert.equal(directory("/tmp/a b"), "/tmp/a b");
  refuses(directory, ["", "a\0b"], /path/);
});
