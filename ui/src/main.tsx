import { render } from "preact";
import { watch } from "./board";
import "./style.css";
import { Page } from "./views/page";

const page = document.getElementById("page");
if (page) render(<Page />, page);
watch("/api/events/monitor");
