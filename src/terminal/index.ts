export { type Keyboard, LineEditor, type LineEditorOptions, type Screen } from "./editor.ts";
export { LineDecoder } from "./lines.ts";
