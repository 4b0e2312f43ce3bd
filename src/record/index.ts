export { RECORD_FORMAT, RecordKind, formatOf, isWish, kindName } from "./kinds.ts";
export { decode, encode, readSession, sayHeaderBytes, writeSayHeader } from "./chatRecords.ts";
export { type Answer, type AnswerPart, decodeAnswer, encodeAnswer } from "./historyRecords.ts";
