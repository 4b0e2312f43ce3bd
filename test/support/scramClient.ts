/* SCRAM-SHA-256 from the client's side, by RFC 5802, with nothing of what is tested. */
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

export interface ScramClient {
  readonly first: string;
  /** What the client says to the server's first message, and how the server has to answer. */
  answer(serverFirst: string): { final: string; expected: string };
}

export function scramClient(user: string, password: string, nonce: string, header = "n,,"): ScramClient {
  const bare = `n=${user.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`;
  const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
  return {
    first: header + bare,
    answer: (serverFirst) => {
      const { r, s, i } = Object.fromEntries(
        serverFirst.split(",").map((part) => [part[0]!, part.slice(2)] as const),
      ) as { r: string; s: string; i: string };
      const salted = pbkdf2Sync(
        password.normalize("NFKC"),
        Buffer.from(s, "base64"),
        Number(i),
        32,
        "sha256",
      );
      const clientKey = hmac(salted, "Client Key");
      const storedKey = createHash("sha256").update(clientKey).digest();
      const withoutProof = `c=${Buffer.from(header).toString("base64")},r=${r}`;
      const signed = `${bare},${serverFirst},${withoutProof}`;
      const signature = hmac(storedKey, signed);
      const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!)).toString("base64");
      const expected = `v=${hmac(hmac(salted, "Server Key"), signed).toString("base64")}`;
      return { final: `${withoutProof},p=${proof}`, expected };
    },
  };
}
