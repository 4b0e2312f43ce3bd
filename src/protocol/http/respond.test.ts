import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../base/index.ts";
import { type PageOptions, respond } from "./index.ts";

const OPTIONS: PageOptions = { serverName: "chorus", host: "127.0.0.1", port: 4000, full: false };

interface Answer {
  status: string;
  headers: Headers;
  body: string;
}

function ask(request: string, options: Partial<PageOptions> = {}): Answer {
  const bytes = respond(encodeUtf8(request), { ...OPTIONS, ...options });
  assert.ok(bytes !== undefined);
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  const end = text.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const status = /^HTTP\/1\.1 (\d{3} .+)$/.exec(statusLine)?.[1];
  assert.ok(status !== undefined, statusLine);
  const headers = new Headers(lines.map((line) => line.split(": ", 2) as [string, string]));
  const body = text.slice(end + 4);
  assert.equal(headers.get("connection"), "close");
  if (body !== "") assert.equal(headers.get("content-length"), String(encodeUtf8(body).length));
  return { status, headers, body };
}

test("the page tells how to join", () => {
  const { status, headers, body } = ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.equal(status, "200 OK");
  assert.equal(headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'.*frame-ancestors 'none'/);
  for (const way of ["nc 127.0.0.1 4000", "telnet 127.0.0.1 4000", "chorus join 127.0.0.1 4000"])
    assert.ok(body.includes(way), way);
  assert.doesNotMatch(body, /<script|https?:/);
});

test("a request is answered when its head is whole, by any end of line", () => {
  const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  for (let length = 0; length < request.length; length += 1)
    assert.equal(respond(encodeUtf8(request.slice(0, length)), OPTIONS), undefined, `${length} bytes`);
  assert.equal(ask("GET /?a=b HTTP/1.0\n\n").status, "200 OK");
  assert.equal(ask("GET http://chat.example:4000/ HTTP/1.1\r\n\r\n").status, "200 OK");
  assert.equal(ask("GET http://chat.example HTTP/1.1\r\n\r\n").status, "200 OK");
});

test("HEAD has the same header and no body", () => {
  const head = ask("HEAD / HTTP/1.1\r\n\r\n");
  const get = ask("GET / HTTP/1.1\r\n\r\n");
  assert.equal(head.body, "");
  assert.deepEqual([...head.headers], [...get.headers]);
});

test("other pages, other methods, no room and too large a head are told by their status", () => {
  assert.equal(ask("GET /favicon.ico HTTP/1.1\r\n\r\n").status, "404 Not Found");
  assert.equal(ask("GET //evil.example/ HTTP/1.1\r\n\r\n").status, "404 Not Found");
  const posted = ask("POST / HTTP/1.1\r\n\r\n");
  assert.equal(posted.status, "405 Method Not Allowed");
  assert.equal(posted.headers.get("allow"), "GET, HEAD");
  const full = ask("GET / HTTP/1.1\r\n\r\n", { full: true });
  assert.equal(full.status, "503 Service Unavailable");
  assert.match(full.body, /Too many users/);
  assert.ok(full.headers.has("retry-after"));
  assert.match(ask(`GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}`).status, /^431 /);
});

test("names are escaped", () => {
  const { body } = ask("GET / HTTP/1.1\r\n\r\n", { serverName: `<script>alert("1")</script>&'` });
  assert.doesNotMatch(body, /<script/);
  assert.ok(body.includes("&#60;script&#62;"));
});

test("a server on every address shows the one that the browser used, and nothing that is no address", () => {
  const shown = (host: string): string => {
    const { body } = ask(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, { host: "0.0.0.0" });
    return /nc (.*) 4000/.exec(body)?.[1] ?? "";
  };
  assert.equal(shown("chat.example:8080"), "chat.example");
  assert.equal(shown("[::1]:4000"), "::1");
  for (const host of ["$(reboot)", "a;b", "<b>", "-e", ""]) assert.equal(shown(host), "0.0.0.0", host);
  assert.match(ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").body, /nc 127\.0\.0\.1 4000/);
});
