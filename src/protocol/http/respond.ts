import { concatBytes, encodeUtf8 } from "../../base/index.ts";
import { REQUEST_LINE_BYTES_MAX, latin1 } from "./classify.ts";

export interface PageOptions {
  serverName: string;
  host: string;
  port: number;
  /** There is no room for another client. */
  full: boolean;
}

/** Nothing is loaded, sent or framed, and no script runs; the style stands in the page. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The answer to a request, complete; undefined while its head is not. The connection is closed after it. */
export function respond(request: Uint8Array, options: PageOptions): Uint8Array | undefined {
  const head = latin1(request, Math.min(request.length, 2 * REQUEST_LINE_BYTES_MAX));
  if (!/\r?\n\r?\n/.test(head)) {
    return request.length < 2 * REQUEST_LINE_BYTES_MAX
      ? undefined
      : response(
          "431 Request Header Fields Too Large",
          page(options, "The request's header is too large."),
          true,
        );
  }
  const [method = "", target = ""] = head.split(" ", 2);
  const withBody = method !== "HEAD";
  if (method !== "GET" && method !== "HEAD")
    return response(
      "405 Method Not Allowed",
      page(options, "Only GET and HEAD."),
      true,
      "Allow: GET, HEAD\r\n",
    );
  if (pathOf(target) !== "/")
    return response("404 Not Found", page(options, "There is no such page."), withBody);
  if (options.full)
    return response(
      "503 Service Unavailable",
      page(options, "Too many users: this server is full, try again later."),
      withBody,
      "Retry-After: 30\r\n",
    );
  const host = reachableHost(head, options.host);
  return response("200 OK", page({ ...options, host }, undefined), withBody);
}

/** RFC 9112, 3.2: a path, or a whole address as it is sent to proxies. */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?]*/i, "").split("?")[0]!;
  return path === "" ? "/" : path;
}

/**
 * Where to point a client to. A server that listens on every address has none to tell but the one that this browser
 * has just used; anybody can write that, so only what can be nothing but an address is repeated.
 */
function reachableHost(head: string, host: string): string {
  if (host !== "0.0.0.0" && host !== "::") return host;
  const asked = /\nhost:[ \t]*(?:([a-z0-9][a-z0-9.-]*)|\[([0-9a-f:.]+)\])(?::\d+)?[ \t]*\r?\n/i.exec(head);
  return asked?.[1] ?? asked?.[2] ?? host;
}

function response(status: string, html: string, withBody: boolean, headers = ""): Uint8Array {
  const body = encodeUtf8(html);
  const head = encodeUtf8(
    `HTTP/1.1 ${status}\r\n` +
      "Content-Type: text/html; charset=utf-8\r\n" +
      `Content-Length: ${body.length}\r\n` +
      "Cache-Control: no-store\r\n" +
      `Content-Security-Policy: ${CONTENT_SECURITY_POLICY}\r\n` +
      "X-Content-Type-Options: nosniff\r\n" +
      `${headers}Connection: close\r\n\r\n`,
  );
  return withBody ? concatBytes([head, body]) : head;
}

function page({ serverName, host, port }: PageOptions, problem: string | undefined): string {
  const name = escapeHtml(serverName);
  const where = escapeHtml(`${host} ${port}`);
  const body =
    problem === undefined
      ? `<p>This is a chat. Join it from a terminal, with any of these:</p>
<pre>nc ${where}
telnet ${where}
chorus join ${where}</pre>
<p>Then type, and press Enter. <code>/help</code> lists the commands.</p>`
      : `<p>${escapeHtml(problem)}</p>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${name}</title>
<style>
body { font: 18px/1.5 system-ui, sans-serif; max-width: 36em; margin: 4em auto; padding: 0 1em }
body { color: #222; background: #fdfdfb }
pre { background: #1d2430; color: #e8ecf2; padding: 1em; border-radius: 6px; overflow-x: auto }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #14171c } }
</style>
<h1>${name}</h1>
${body}
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
