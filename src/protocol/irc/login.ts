import type { IrcClient } from "./client.ts";
import { Numeric } from "./numerics.ts";

/** It is logged in. @param isSasl as the end of an exchange that began with AUTHENTICATE */
export function tellLogin(client: IrcClient, isSasl: boolean): void {
  const session = client.session!;
  const source = session.nick === "" ? `${client.nick}!*@*` : client.server.sourceOf(session);
  client.numeric(
    Numeric.RPL_LOGGEDIN,
    `${source} ${session.account} :You are now logged in as ${session.account}`,
  );
  if (isSasl) client.numeric(Numeric.RPL_SASLSUCCESS, ":SASL authentication successful");
}

/** Whoever comes in has no more to say to an exchange that is not over. */
export function endExchange(client: IrcClient): void {
  if (client.sasl === undefined) return;
  const { isProven } = client.sasl;
  client.sasl = undefined;
  client.changed();
  if (isProven && client.session!.account !== "") tellLogin(client, true);
  else client.numeric(Numeric.ERR_SASLABORTED, ":SASL authentication aborted");
}
