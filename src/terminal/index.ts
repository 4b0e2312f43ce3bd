export { type Keyboard, LineEditor, type LineEditorOptions, type Screen } from "./editor.ts";
export { LINE_CHARACTERS_MAX, LineDecoder } from "./lines.ts";
export { sanitize } from "./sanitize.ts";
