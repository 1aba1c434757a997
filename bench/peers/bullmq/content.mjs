// What producer and worker agree on.

import { createHash } from "node:crypto";

// A payload of `bytes` as JSON, like no other: its number, and digits made of it.
export function payloadOf(n, bytes) {
    const id = n.toString(16).padStart(16, "0");
    const frame = JSON.stringify({ n: id, text: "" }).length;
    let text = "";
    for (let piece = 0; text.length < bytes - frame; piece++) {
        text += createHash("sha512").update(`${n} ${piece}`).digest("hex");
    }
    return { n: id, text: text.slice(0, bytes - frame) };
}

// What a worker answers: it could not know it without the payload.
export function resultOf(data) {
    return { n: data.n, sum: data.text.slice(-16) };
}
