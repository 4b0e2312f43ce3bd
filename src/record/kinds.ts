/*
 * What the records of the log are, and their bytes. The kind stands in the record's header, and is all of it that the
 * supervisor looks at; what follows is the payload. Numbers are little-endian; a session is eight bytes, 53 bits of
 * them used; `text` is UTF-8 and reaches to the end; a `name` is UTF-8 behind its length in two bytes.
 *
 *   kind                  written by     payload
 *    1  seat              supervisor     session │ process u16 │ protocol u8
 *    2  processDied       supervisor     process u16
 *    3  stop              supervisor     (nothing)
 *   16  say               worker         session │ text
 *   17  act               worker         session │ text
 *   18  nick              worker         session │ derived u8 │ nick name │ displayName name
 *   19  who               worker         session
 *   20  leave             worker         session │ reason u8 │ text
 *   32  snapshotWanted    supervisor     for process u16 │ its generation u32 │
 *                                        from process u16 (65535: nobody, it is the first state)
 *   33  snapshot          any replica    for process u16 │ its generation u32 │ wanted at sequence u53 │ part u16 │
 *                                        of parts u16 │ bytes
 *   34  quiet             supervisor     (nothing): say nothing any more
 *                         worker         (nothing): I have said my last
 */
export const RecordKind = {
  seat: 1,
  processDied: 2,
  stop: 3,
  say: 16,
  act: 17,
  nick: 18,
  who: 19,
  leave: 20,
  snapshotWanted: 32,
  snapshot: 33,
  quiet: 34,
} as const;

/** In place of the process that is to tell the state: there is none, and the state is the first one. */
export const GENESIS = 0xffff;
