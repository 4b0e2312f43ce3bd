import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { withoutSecrets } from "./poison.ts";

const kept = (line: string): string => decodeUtf8(withoutSecrets(encodeUtf8(line)));

test("of a line that can hold a password, the command and the number of bytes are kept", () => {
  for (const [line, expected] of [
    ["PASS s3cret\r\n", "PASS (13 bytes)\n"],
    ["pass :s3cret", "pass (12 bytes)\n"],
    ["AUTHENTICATE czNjcmV0\r\n", "AUTHENTICATE (23 bytes)\n"],
    ["OPER root s3cret\n", "OPER (17 bytes)\n"],
    ["@label=x;a=b REGISTER * * :s3 cret\n", "REGISTER (35 bytes)\n"],
    [":me  NS IDENTIFY s3cret\n", "NS (24 bytes)\n"],
    ["\u0000\uFEFF \tNickServ IDENTIFY s3cret\n", "NickServ (31 bytes)\n"],
    ["PRIVMSG NickServ :IDENTIFY s3cret\n", "PRIVMSG NickServ (34 bytes)\n"],
    ["@batch=1 privmsg #a,nickserv@home s3cret\n", "privmsg #a,nickserv@home (41 bytes)\n"],
    ["NOTICE :nickserv IDENTIFY s3cret\n", "NOTICE :nickserv (33 bytes)\n"],
    ["/register s3cret\n", "/register (17 bytes)\n"],
    [" /Identify alice s3cret", "/Identify (23 bytes)\n"],
    ["/passw\u0000ord old s3cret\n", "/password (22 bytes)\n"],
    ["/drop s3cret\n", "/drop (13 bytes)\n"],
    ["/msg NickServ identify s3cret\n", "/msg NickServ (30 bytes)\n"],
    ["/msg NickServ: s3cret\n", "/msg NickServ: (22 bytes)\n"],
    ["PRIVMSG Q@CServe.example :AUTH me s3cret\n", "PRIVMSG Q@CServe.example (41 bytes)\n"],
    ["PRIVMSG SaslServ!a@b :s3cret\n", "PRIVMSG SaslServ!a@b (29 bytes)\n"],
    // A carriage return ends lines of IRC.
    ["PING x\rPASS s3cret\n", "PING x\rPASS (12 bytes)\n"],
  ] as const)
    assert.equal(kept(line), expected, JSON.stringify(line));
});

test("every other line is kept as it came", () => {
  for (const line of [
    "PRIVMSG #lobby :hello\r\n",
    "passing by\n",
    "/registered\n",
    "/me identifies\n",
    "PRIVMSG observer :hello\n",
    "@+typing=active TAGMSG #lobby\r\n",
    "",
    "half a li",
  ])
    assert.equal(kept(line), line);
  const bytes = Uint8Array.of(0xff, 0xfe, 0x00, 0x0d, 0x0a, 0x0a, 0x80);
  assert.deepEqual(withoutSecrets(bytes), bytes);
});
