"""What a person sees: records → frames (`tables`) → figures (`charts`) and HTML (`pieces`) → `pages`, of which `write`
makes static files and which `widgets` shows in notebooks and in the app."""
