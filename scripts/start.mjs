// `npm start`: installs and builds what is missing or older than its source, then runs the server.
import { installPackages } from './install.mjs';
import { runBuilt } from './run-built.mjs';

installPackages();
runBuilt('main.js');
