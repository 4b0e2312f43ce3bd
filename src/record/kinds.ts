/*
 * What the records of the log are, and their bytes. The kind stands in the record's header, and is all of it that the
 * supervisor looks at; what follows is the payload. Numbers are little-endian; a `session` is eight bytes, 53 bits of
 * them used; a `name` is UTF-8 behind its length in two bytes; `text` is UTF-8 and reaches to the end. A `room` is the
 * name of one, or an empty name for the one in focus.
 *
 *   kind                  written by     payload
 *    1  seat              supervisor     session │ process u16 │ protocol u8 │ host name
 *    2  processDied       supervisor     process u16
 *    3  stop              supervisor     (nothing)
 *    4  history           supervisor     process u16 (0: nobody keeps a history)
 *    5  format            supervisor     format u16
 *    6  store             history        failed u8 │ from u53 │ to u53 │ text
 *    7  found             history        room name
 *    8  reseat            supervisor     session │ process u16
 *    9  settings          supervisor     persistence u8
 *   10  shield            supervisor     on u8
 *   11  account           history        person u53 │ role u8 (255: removed) │ name name │ session u53 (0: nobody's)
 *   12  login             history        session │ person u53
 *   13  oper              history        session │ person u53
 *   14  redacted          history        session │ room u32 │ peer u53 │ message u53 │ text
 *   16  say               worker         session │ room │ text
 *   17  act               worker         session │ room │ text
 *   18  nick              worker         session │ derived u8 │ nick name │ displayName name
 *   19  ask               worker         session │ question u8 │ room
 *   20  leave             worker         session │ reason u8 │ text
 *   21  arrive            worker         session │ replay u16
 *   22  notice            worker         session │ room │ text
 *   23  whisper           worker         session │ to name │ text
 *   24  join              worker         session │ replay u16 │ room │ key name
 *   25  part              worker         session │ room │ text
 *   26  topic             worker         session │ room │ text
 *   27  kick              worker         session │ room │ target name │ text
 *   28  ban               worker         session │ on u8 │ room │ target name
 *   29  mute              worker         session │ on u8 │ room │ target name
 *   30  mode              worker         session │ mode u8 │ on u8 │ room │ target name
 *   31  away              worker         session │ text
 *   32  register          worker         session │ derived u8 │ nick name │ displayName name │ user name │
 *                                        realName name
 *   33  turn              worker         session │ protocol u8
 *   34  quiet             supervisor     (nothing): say nothing any more
 *                         worker         (nothing): I have said my last
 *   40  recall            worker         session │ before u53 │ limit u16 │ room
 *   41  search            worker         session │ before u53 │ text
 *   42  catchUp           worker         session │ before u53 │ from u53
 *   43  answer            history        session │ the question's place u53 │ see historyRecords.ts
 *   44  page              worker         session │ before u53 │ target name │ take u8 │ limit u16 │ events u8 │
 *                                        after place │ before place (u8: 0 none, 1 message, 2 time │ u53)
 *   45  targets           worker         session │ before u53 │ after u53 │ until u53 │ limit u16
 *   46  redact            worker         session │ before u53 │ target name │ message u53 │ text
 *   50  speak             worker         session │ speech u8 │ at least u8 (255: anybody) │ to name │ tags name │ text
 *   51  mask              worker         session │ list u8 │ on u8 │ room │ mask name
 *   52  set               worker         session │ setting u8 │ room │ value name
 *   53  renameRoom        worker         session │ room │ to name │ text
 *   54  invite            worker         session │ room │ target name
 *   55  knock             worker         session │ room │ text
 *   56  describe          worker         session │ realName name │ displayName name
 *   57  flag              worker         session │ flag u8 │ on u8
 *   58  mark              worker         session │ target name │ time u53
 *   59  police            worker         session │ what u8 │ on u8 │ value name
 *   60  kill              worker         session │ target name │ text
 *   61  announce          worker         session │ text
 *
 * Every kind belongs to a format. A kind of a later format than the first may be written only after the `format` record
 * says that every process understands it; whoever meets a kind, or an encoding, that it does not know skips it and
 * says so in the server's log.
 */
export const RecordKind = {
  seat: 1,
  processDied: 2,
  stop: 3,
  history: 4,
  format: 5,
  store: 6,
  found: 7,
  reseat: 8,
  settings: 9,
  shield: 10,
  account: 11,
  login: 12,
  oper: 13,
  redacted: 14,
  say: 16,
  act: 17,
  nick: 18,
  ask: 19,
  leave: 20,
  arrive: 21,
  notice: 22,
  whisper: 23,
  join: 24,
  part: 25,
  topic: 26,
  kick: 27,
  ban: 28,
  mute: 29,
  mode: 30,
  away: 31,
  register: 32,
  turn: 33,
  quiet: 34,
  recall: 40,
  search: 41,
  catchUp: 42,
  answer: 43,
  page: 44,
  targets: 45,
  redact: 46,
  speak: 50,
  mask: 51,
  set: 52,
  renameRoom: 53,
  invite: 54,
  knock: 55,
  describe: 56,
  flag: 57,
  mark: 58,
  police: 59,
  kill: 60,
  announce: 61,
} as const;

/** Whether a client wishes it: such a record begins with the session, and comes from the process that serves it. */
export function isWish(kind: number): boolean {
  return kind >= RecordKind.say && kind !== RecordKind.quiet && kind !== RecordKind.answer;
}

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(RecordKind).map(([name, kind]) => [kind, name]),
);

/** What `RecordKind` calls it; empty for a kind that is not known. */
export function kindName(kind: number): string {
  return NAMES.get(kind) ?? "";
}

/** The latest format that this program understands. */
export const RECORD_FORMAT = 1;

/** Kinds of later formats than the first, and which. */
const LATER_FORMATS: ReadonlyMap<number, number> = new Map();

/** The format that every process must understand before a record of this kind may be written. */
export function formatOf(kind: number): number {
  return LATER_FORMATS.get(kind) ?? 1;
}
