/** Asks for a model by its whole name. */
export function ModelField({
  label,
  name,
  placeholder,
}: {
  label: string;
  name: string;
  placeholder: string;
}) {
  return (
    <label className="choice grow">
      <span>{label}</span>
      <input name={name} required placeholder={placeholder} pattern="[^\s\/]+\/[^\s\/]+" />
    </label>
  );
}

/** Where the API has a model. */
export function modelPath(model: string): { owner: string; name: string } {
  const [owner = "", name = ""] = model.split("/");
  return { owner, name };
}
