import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { test } from "node:test";
import { fromBase64 } from "../base/index.ts";
import { CheapSecrets } from "../../test/support/accounts.ts";
import { scramClient } from "../../test/support/scramClient.ts";
import {
  type ScramTranscript,
  checkProof,
  deriveVerifier,
  formatServerFirst,
  parseClientFirst,
} from "./scram.ts";

class RealDerivation extends CheapSecrets {
  override derive(password: string, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
    return Promise.resolve(pbkdf2Sync(password, salt, iterations, 32, "sha256"));
  }
}

const SECRETS = new RealDerivation();
/* The example of RFC 7677, 3. */
const SALT = fromBase64("W22ZaJ0SNY7soEsUEjb6gQ==")!;
const NONCE = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const EXAMPLE: ScramTranscript = {
  clientFirst: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
  serverFirst: `r=${NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
  clientFinal: `c=biws,r=${NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`,
};

test("the example of RFC 7677", async () => {
  const verifier = await deriveVerifier(SECRETS, "pencil", SALT, 4096);
  assert.equal(formatServerFirst({ nonce: NONCE, salt: SALT, iterations: 4096 }), EXAMPLE.serverFirst);
  assert.equal(checkProof(SECRETS, verifier, EXAMPLE), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
});

test("a transcript in which anything is otherwise proves nothing", async () => {
  const verifier = await deriveVerifier(SECRETS, "pencil", SALT, 4096);
  const { clientFirst, serverFirst, clientFinal } = EXAMPLE;
  const proof = clientFinal.slice(clientFinal.indexOf(",p=") + 3);
  const wrong: Partial<ScramTranscript>[] = [
    { clientFirst: clientFirst.replace("user", "usex") },
    { clientFirst: clientFirst.replace("n,,", "y,,") },
    { clientFirst: clientFirst.replace("rOpr", "xOpr") },
    // The client's part alone: that is a nonce of which the server has chosen nothing.
    {
      serverFirst: serverFirst.replace(NONCE, NONCE.slice(0, 20)),
      clientFinal: clientFinal.replace(NONCE, NONCE.slice(0, 20)),
    },
    { serverFirst: serverFirst.replace("k0,", "k1,") },
    { serverFirst: serverFirst.replace("i=4096", "i=1") },
    { serverFirst: `${serverFirst},x=1` },
    { serverFirst: "" },
    { clientFinal: clientFinal.replace("k0,", "k1,") },
    { clientFinal: clientFinal.replace("biws", "eSws") },
    { clientFinal: clientFinal.replace(proof, proof.replace("dH", "dI")) },
    { clientFinal: clientFinal.replace(proof, proof.slice(4)) },
    { clientFinal: clientFinal.replace(`,p=${proof}`, "") },
    { clientFinal: "" },
  ];
  for (const change of wrong)
    assert.equal(checkProof(SECRETS, verifier, { ...EXAMPLE, ...change }), undefined, JSON.stringify(change));
  const other = await deriveVerifier(SECRETS, "pencils", SALT, 4096);
  assert.equal(checkProof(SECRETS, other, EXAMPLE), undefined);
});

test("a client that says that it could bind a channel, or names itself twice, is heard", async () => {
  const verifier = await deriveVerifier(SECRETS, "pencil", SALT, 4096);
  for (const header of ["y,,", "n,a=us=3Der,"]) {
    const client = scramClient("us=er", "pencil", "abc", header);
    const serverFirst = formatServerFirst({ nonce: "abcdef", salt: SALT, iterations: 4096 });
    const { final, expected } = client.answer(serverFirst);
    const transcript = { clientFirst: client.first, serverFirst, clientFinal: final };
    assert.equal(checkProof(SECRETS, verifier, transcript), expected);
  }
});

test("what a client may begin with", () => {
  assert.deepEqual(parseClientFirst("n,a=a=2Cb=3D,n=a=2Cb=3D,r=x!~,ext=1"), {
    header: "n,a=a=2Cb=3D,",
    bare: "n=a=2Cb=3D,r=x!~,ext=1",
    account: "a,b=",
    nonce: "x!~",
  });
  for (const wrong of [
    "",
    "n=user,r=x",
    "n,n=user,r=x",
    "p=tls-unique,,n=user,r=x",
    "n,a=other,n=user,r=x",
    "n,,m=must,n=user,r=x",
    "n,,n=us=er,r=x",
    "n,,n=,r=x",
    "n,,n=user,r=",
    "n,,n=user,r=\u00e4",
    `n,,n=user,r=${"x".repeat(257)}`,
    "n,,r=x,n=user",
  ])
    assert.equal(parseClientFirst(wrong), undefined, wrong);
});
