/** Text with `code` in it, and an empty line between paragraphs. */
export function Prose({ text }: { text: string }) {
  return (
    <>
      {text.split("\n\n").map((paragraph) => (
        <p key={paragraph}>
          {paragraph.split("\n").map((line, at) => (
            <span key={line}>
              {at > 0 && <br />}
              <Line text={line} />
            </span>
          ))}
        </p>
      ))}
    </>
  );
}

export function Line({ text }: { text: string }) {
  const parts = text.split("`");
  return <>{parts.map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))}</>;
}
