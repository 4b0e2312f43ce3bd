import { matchesMask, sessionCalled } from "../../chat/index.ts";
import type { IrcClient } from "./client.ts";
import { asMiddle } from "./fault.ts";
import { Numeric } from "./numerics.ts";

/**
 * Whether a question is for another server, of which there is none: the client is told so. A server is named by a mask,
 * or by who is connected to it.
 */
export function isElsewhere(client: IrcClient, target: string | undefined): boolean {
  if (target === undefined || target === "") return false;
  const isHere =
    matchesMask(target, client.server.name) || sessionCalled(client.port.state, target) !== undefined;
  if (!isHere) client.numeric(Numeric.ERR_NOSUCHSERVER, `${asMiddle(target)} :No such server`);
  return !isHere;
}
