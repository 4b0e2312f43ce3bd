/* What one client is told of what it did itself, or of what was done to it alone. */
import {
  type EffectOf,
  type Moment,
  type OwnEffect,
  type Room,
  type Session,
  markerKey,
  policyText,
} from "../../chat/index.ts";
import { acknowledge } from "./away.ts";
import type { IrcClient } from "./client.ts";
import { asMiddle } from "./fault.ts";
import { USER_MODE_LETTERS } from "./modes.ts";
import { sendNames } from "./names.ts";
import { Numeric } from "./numerics.ts";
import { noteLogin, noteRefusedLogin } from "./proving.ts";
import { refused } from "./refusals.ts";
import { welcome } from "./registration.ts";
import { joinText, publicLine, quitText, speech, tagMessage, tagsOf, textOf } from "./render.ts";
import { formatTime } from "./time.ts";

const TARGET_UNITS_MAX = 128;

/** @param isOrigin it was this very client that wished it */
export function tell(
  client: IrcClient,
  effect: OwnEffect,
  moment: Moment,
  isOrigin: boolean,
  wished: string,
): void {
  if (effect.kind === "refused") {
    // No wish of the client's: it is the vault's that is refused.
    if (wished === "" && noteRefusedLogin(client, effect.reason)) return;
    return refused(client, effect, wished);
  }
  if (effect.kind === "accountChanged" && noteLogin(client, effect.session)) return;
  // Of a newcomer nothing is told but that it has come.
  if (!client.isWelcome && effect.kind !== "arrived" && effect.kind !== "attached") return;
  switch (effect.kind) {
    case "arrived":
      return welcome(client);
    case "attached":
      return attached(client, effect, moment);
    case "joined":
      return joined(client, effect.session, effect.room, moment);
    case "whispered":
      return whispered(client, effect, moment, isOrigin);
    case "awaySet":
      return awaySet(client, effect.session);
    case "flagSet": {
      const change = `${effect.on ? "+" : "-"}${USER_MODE_LETTERS[effect.flag]}`;
      return client.line(`:${client.server.sourceOf(effect.session)} MODE ${client.nick} ${change}`);
    }
    case "roleChanged":
      return roleChanged(client, effect.session);
    case "marked":
      return marked(client, effect);
    case "announced": {
      const tags = tagsOf(client.caps.enabled, moment, effect.session);
      const source = client.server.sourceOf(effect.session);
      return client.line(`:${source} WALLOPS :${textOf(effect.text)}`, tags);
    }
    case "policySet":
      return client.notice(policyText(effect, effect.session?.nick));
    case "storeChanged":
      return client.notice(
        effect.failed
          ? `${effect.text}; chat goes on, but what is said is not kept until that is mended`
          : "history is written again",
      );
    case "killed":
      return client.line(
        `:${client.server.sourceOf(effect.by)} KILL ${client.nick} :${quitText("killed", effect.text)}`,
      );
    case "invited":
      return invited(client, effect, moment, isOrigin);
    case "knocked":
      return client.numeric(Numeric.RPL_KNOCKDLVR, `${effect.room.name} :Your KNOCK has been delivered.`);
    case "roomRenamed":
      return roomRenamed(client, effect, moment);
    case "accountChanged":
      if (client.has("account-notify")) line(client, effect, moment);
      return;
    case "described":
      // Who said SETNAME is told so in any case.
      if (client.has("setname")) line(client, effect, moment);
      return;
    case "redacted":
      return redacted(client, effect, moment);
    case "renamed":
      if (effect.session.nick !== effect.previous.nick || client.has("setname")) line(client, effect, moment);
      return;
    case "focused":
    case "replied":
    case "turned":
      return;
    default:
      line(client, effect, moment);
  }
}

function line(client: IrcClient, effect: Parameters<typeof publicLine>[2], moment: Moment): void {
  publicLine(
    { append: (bytes) => client.replies.send(bytes) },
    client.server,
    effect,
    moment,
    client.caps.enabled,
  );
}

function joined(client: IrcClient, session: Session, room: Room, moment: Moment): void {
  const { enabled } = client.caps;
  client.line(joinText(client.server, session, room.name, enabled), tagsOf(enabled, moment, session));
  describeRoom(client, room);
}

/** What follows one's own JOIN. */
function describeRoom(client: IrcClient, room: Room): void {
  sendTopic(client, room);
  if (client.has("draft/read-marker")) sendMarker(client, room.name);
  if (!client.has("no-implicit-names")) sendNames(client, room);
}

export function sendTopic(client: IrcClient, room: Room): void {
  if (room.topic === undefined) return;
  const { text, by, timeMs } = room.topic;
  client.numeric(Numeric.RPL_TOPIC, `${room.name} :${text}`);
  client.numeric(Numeric.RPL_TOPICWHOTIME, `${room.name} ${by} ${Math.floor(timeMs / 1000)}`);
}

/** Up to where somebody has read, on whichever of its clients. */
export function sendMarker(client: IrcClient, target: string): void {
  const account = client.port.state.accounts.get(client.self.person);
  const key = markerKey(target);
  const timeMs = key === undefined ? undefined : account?.markers.get(key);
  const time = timeMs === undefined ? "*" : `timestamp=${formatTime(timeMs)}`;
  client.fromServer(`MARKREAD ${asMiddle(target, TARGET_UNITS_MAX)} ${time}`);
}

function marked(client: IrcClient, { target, timeMs }: EffectOf<"marked">): void {
  if (!client.has("draft/read-marker")) return;
  const time = timeMs === 0 ? "*" : `timestamp=${formatTime(timeMs)}`;
  client.fromServer(`MARKREAD ${asMiddle(target, TARGET_UNITS_MAX)} ${time}`);
}

/** One more client of somebody who is here: it finds itself where that is. */
function attached(
  client: IrcClient,
  { session, missedFrom }: EffectOf<"attached">,
  { sequence, timeMs }: Moment,
): void {
  const { state } = client.port;
  const { registration } = client;
  const wasWelcome = client.isWelcome;
  if (!wasWelcome) welcome(client);
  else if (registration.nick !== session.nick) client.line(`:${registration.nick} NICK ${session.nick}`);
  registration.nick = session.nick;
  client.changed();
  // Of who was here as a guest, this is all that the log says of its logging in.
  if (wasWelcome) noteLogin(client, session);
  for (const id of session.rooms.keys()) {
    const room = state.rooms.get(id);
    // No number of a message: that it came in is long past.
    if (room !== undefined) joined(client, session, room, { sequence: 0, timeMs });
  }
  // Who can ask for the past gets none unasked.
  if (missedFrom === undefined || state.store === "none" || client.asksForPast) return;
  client.cameBackAt = sequence;
  client.port.catchUp(missedFrom);
}

function whispered(
  client: IrcClient,
  { session, to, speech: kind, text, tags }: EffectOf<"whispered">,
  moment: Moment,
  isOrigin: boolean,
): void {
  const { replies } = client;
  const own = client.session?.id;
  const speaking = { source: client.server.sourceOf(session), session, target: to.nick, text, tags };
  const tellIt = (append: (bytes: Uint8Array) => void): void => {
    if (kind !== "tag") speech({ append }, kind, speaking, moment, client.caps.enabled);
    else if (client.has("message-tags")) tagMessage({ append }, speaking, moment, client.caps.enabled);
  };
  // What another of its own clients has said is news to it in any case. And what one says to oneself is told twice to
  // who wants an echo, which alone has the label of what was sent.
  const isWanted = client.has("echo-message") || (!isOrigin && to.id !== own);
  if (session.id === own && isWanted) tellIt((bytes) => replies.send(bytes));
  if (to.id === own) tellIt((bytes) => replies.sendAfter(bytes));
  if (isOrigin && to.away !== "" && (kind === "say" || kind === "act"))
    client.numeric(Numeric.RPL_AWAY, `${to.nick} :${to.away}`);
}

function redacted(client: IrcClient, effect: EffectOf<"redacted">, moment: Moment): void {
  if (!client.has("draft/message-redaction")) return;
  if (effect.room !== undefined) return line(client, effect, moment);
  const { state } = client.port;
  const { session, peer, message, text } = effect;
  const other = state.sessions.get(state.loggedIn.get(peer) ?? peer);
  const target = other?.nick ?? state.accounts.get(peer)?.name ?? "*";
  const words = text === "" ? "" : ` :${text}`;
  const source = client.server.sourceOf(session);
  const tags = tagsOf(client.caps.enabled, moment, session);
  client.line(`:${source} REDACT ${target} ${message}${words}`, tags);
}

function awaySet(client: IrcClient, session: Session): void {
  acknowledge(client, session.away);
}

function roleChanged(client: IrcClient, { role }: Session): void {
  if (role === "user") return client.line(`:${client.server.name} MODE ${client.nick} -o`);
  client.numeric(Numeric.RPL_YOUREOPER, `:You are now an IRC operator (${role})`);
  client.line(`:${client.server.name} MODE ${client.nick} +o`);
}

function invited(client: IrcClient, effect: EffectOf<"invited">, moment: Moment, isOrigin: boolean): void {
  const { target, room } = effect;
  if (isOrigin) {
    client.numeric(Numeric.RPL_INVITING, `${target.nick} ${room.name}`);
    if (target.away !== "") client.numeric(Numeric.RPL_AWAY, `${target.nick} :${target.away}`);
  } else line(client, effect, moment);
}

/** Who does not know that a channel can be renamed sees itself leaving the one and entering the other. */
function roomRenamed(client: IrcClient, effect: EffectOf<"roomRenamed">, moment: Moment): void {
  if (client.has("draft/channel-rename")) return line(client, effect, moment);
  const session = client.session;
  if (session === undefined) return;
  const { previous, room } = effect;
  const reason = effect.text.length === 0 ? `The channel is ${room.name} now` : textOf(effect.text);
  const source = client.server.sourceOf(session);
  client.line(`:${source} PART ${previous.name} :${reason}`, tagsOf(client.caps.enabled, moment, session));
  joined(client, session, room, { ...moment, sequence: 0 });
}
