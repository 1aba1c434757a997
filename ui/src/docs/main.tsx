import { render } from "preact";
import type { Document } from "./document";
import "../style.css";
import "./docs.css";
import { Reference } from "./reference";

const place = document.getElementById("docs");

async function show(): Promise<void> {
  if (!place) return;
  try {
    const response = await fetch("/api/openapi.json");
    if (!response.ok) throw new Error(`the answer was ${response.status}`);
    render(<Reference reference={(await response.json()) as Document} />, place);
  } catch (error) {
    render(<p class="error lost">The reference cannot be read: {String(error)}</p>, place);
  }
}

show();
