export function Brand() {
  return (
    <a className="brand" href="/">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <circle cx="12" cy="16" r="8.5" />
        <circle cx="20" cy="16" r="8.5" />
      </svg>
      Accord
    </a>
  );
}
