export { type Verdict, classify } from "./classify.ts";
export { type PageOptions, respond } from "./respond.ts";
