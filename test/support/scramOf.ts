/* The client's side of SCRAM for a vault with `CheapSecrets`: as RFC 5802 has it, but for the derivation. */
import { createHash, createHmac } from "node:crypto";

export interface ScramMessages {
  /** All of it in base64, as AUTHENTICATE carries it. */
  readonly first: string;
  answer(challenge: string): { readonly final: string; readonly expected: string };
}

const encode = (text: string): string => Buffer.from(text).toString("base64");
const digest = (data: Uint8Array | string): Buffer => createHash("sha256").update(data).digest();
const hmac = (key: Uint8Array, text: string): Buffer => createHmac("sha256", key).update(text).digest();

export function scramOf(user: string, password: string, nonce: string): ScramMessages {
  const bare = `n=${user},r=${nonce}`;
  return {
    first: encode(`n,,${bare}`),
    answer: (challenge) => {
      const serverFirst = Buffer.from(challenge, "base64").toString();
      const [, full = "", salt = "", iterations = ""] = /^r=(.*),s=(.*),i=(\d+)$/.exec(serverFirst)!;
      const salted = digest(
        `${password} ${new Uint8Array(Buffer.from(salt, "base64")).join()} ${iterations}`,
      );
      const clientKey = hmac(salted, "Client Key");
      const withoutProof = `c=biws,r=${full}`;
      const signed = `${bare},${serverFirst},${withoutProof}`;
      const signature = hmac(digest(clientKey), signed);
      const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!)).toString("base64");
      return {
        final: encode(`${withoutProof},p=${proof}`),
        expected: encode(`v=${hmac(hmac(salted, "Server Key"), signed).toString("base64")}`),
      };
    },
  };
}
