// Lays the offline API explorer (Swagger UI) beside the built dashboard: crates/web/assets/docs.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ui = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(ui, '..', 'crates', 'web', 'assets', 'docs');
const swagger = join(ui, 'node_modules', 'swagger-ui-dist');

const FROM_SWAGGER = ['swagger-ui-bundle.js', 'swagger-ui.css', 'swagger-ui-bundle.js.LICENSE.txt', 'LICENSE', 'NOTICE'];
const OWN = ['index.html', 'init.js', 'page.css'];

mkdirSync(target, { recursive: true });
for (const name of FROM_SWAGGER) copyFileSync(join(swagger, name), join(target, name));
for (const name of OWN) copyFileSync(join(ui, 'docs-page', name), join(target, name));

// Without this line the browser's tools would ask in vain for a source map that is not there.
const css = readFileSync(join(target, 'swagger-ui.css'), 'utf8');
writeFileSync(join(target, 'swagger-ui.css'), css.replace(/\n?\/\*# sourceMappingURL=\S+\s*\*\/\s*$/, '\n'));
