import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** A layer may import itself and what `from` lists; everything else under src/ is closed to it. */
const LAYERS = {
  native: ['errors.ts'],
  cpg: ['errors.ts', 'clock.ts', 'native'],
  quorum: ['errors.ts', 'clock.ts', 'native'],
  cmap: ['errors.ts', 'clock.ts', 'native'],
  dlm: ['errors.ts', 'clock.ts', 'native'],
  'process-watch': ['errors.ts', 'clock.ts'],
  embedded: ['errors.ts', 'clock.ts', 'native/emitter.ts', 'native/corotypes.ts', 'cpg', 'quorum', 'cmap', 'dlm', 'process-watch'],
  'coordinator/core': [],
  coordinator: ['errors.ts', 'clock.ts', 'cpg', 'quorum', 'dlm', 'process-watch', 'config'],
  systemd: ['errors.ts', 'clock.ts', 'native'],
  config: ['errors.ts'],
  reactions: ['errors.ts', 'clock.ts', 'config', 'coordinator/core', 'coordinator/service.ts'],
  control: ['errors.ts', 'clock.ts', 'coordinator/core', 'coordinator/service.ts', 'coordinator/error.ts'],
  cli: ['errors.ts', 'control', 'config', 'coordinator/list'],
};

const zones = Object.entries(LAYERS).map(([layer, open]) => ({
  target: `./src/${layer}`,
  from: './src',
  except: [`./${layer}`, ...open.map((path) => `./${path}`)],
  message: `src/${layer} may import only ${['itself', ...open].join(', ')} (ARCHITECTURE.md, Layers).`,
}));

export default tseslint.config(
  { ignores: ['build/', 'node_modules/', 'src/coordinator/wire/generated/', '.cache/'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver({ project: 'tsconfig.json' })] },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { zones }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/ban-ts-comment': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-empty': ['error', { allowEmptyCatch: false }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-len': ['error', { code: 100, ignoreUrls: true, ignoreTemplateLiterals: true, ignoreStrings: true }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', 'import-x/no-restricted-paths': 'off' },
  },
  {
    files: ['src/coordinator/core/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ regex: '^(?!\\./|\\.\\./)', message: 'The core imports only itself.' }] }],
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'setImmediate', 'process', 'performance', 'crypto', 'queueMicrotask'],
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0], CallExpression[callee.name='Date'], MemberExpression[object.name='Date']",
          message: 'Time enters the core as an event.',
        },
      ],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random' }],
    },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
