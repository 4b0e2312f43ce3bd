/*
 * What the records of the log are, and their bytes. The kind stands in the record's header, and is all of it that the
 * supervisor looks at; what follows is the payload. Numbers are little-endian; a `session` is eight bytes, 53 bits of
 * them used; a `name` is UTF-8 behind its length in two bytes; `text` is UTF-8 and reaches to the end. A `room` is the
 * name of one, or an empty name for the one in focus.
 *
 *   kind                  written by     payload
 *    1  seat              supervisor     session │ process u16 │ protocol u8
 *    2  processDied       supervisor     process u16
 *    3  stop              supervisor     (nothing)
 *    4  history           supervisor     process u16 (0: nobody keeps a history)
 *    5  format            supervisor     format u16
 *    6  store             history        failed u8 │ from u53 │ to u53 │ text
 *    7  found             history        room name
 *    8  reseat            supervisor     session │ process u16
 *   16  say               worker         session │ room │ text
 *   17  act               worker         session │ room │ text
 *   18  nick              worker         session │ derived u8 │ nick name │ displayName name
 *   19  ask               worker         session │ question u8 │ room
 *   20  leave             worker         session │ reason u8 │ text
 *   21  arrive            worker         session │ replay u16
 *   22  notice            worker         session │ room │ text
 *   23  whisper           worker         session │ to name │ text
 *   24  join              worker         session │ replay u16 │ room
 *   25  part              worker         session │ room │ text
 *   26  topic             worker         session │ room │ text
 *   27  kick              worker         session │ room │ target name │ text
 *   28  ban               worker         session │ on u8 │ room │ target name
 *   29  mute              worker         session │ on u8 │ room │ target name
 *   30  mode              worker         session │ mode u8 │ on u8 │ room │ target name
 *   31  away              worker         session │ text
 *   34  quiet             supervisor     (nothing): say nothing any more
 *                         worker         (nothing): I have said my last
 *   40  recall            worker         session │ before u53 │ limit u16 │ room
 *   41  search            worker         session │ before u53 │ text
 *   42  catchUp           worker         session │ before u53 │ from u53
 *   43  answer            history        session │ the question's place u53 │ see historyRecords.ts
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
  quiet: 34,
  recall: 40,
  search: 41,
  catchUp: 42,
  answer: 43,
} as const;

/** The latest format that this program understands. */
export const RECORD_FORMAT = 1;

/** Kinds of later formats than the first, and which. */
const LATER_FORMATS: ReadonlyMap<number, number> = new Map();

/** The format that every process must understand before a record of this kind may be written. */
export function formatOf(kind: number): number {
  return LATER_FORMATS.get(kind) ?? 1;
}
