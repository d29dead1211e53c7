import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

export default defineConfig(
  globalIgnores(['dist/', 'coverage/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      'object-shorthand': 'error',
      'prefer-const': 'error'
    }
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true }
      ],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/unified-signatures': 'off',
      // It takes a constructor that narrows its parameters' types for a useless one.
      '@typescript-eslint/no-useless-constructor': 'off',
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Give it a name: `export class`, `export function`.' },
        { selector: ':not([kind=constructor])[accessibility=private]', message: 'Private is `#`.' },
        { selector: 'TSAsExpression > TSAsExpression.expression', message: 'A double cast hides a wrong type.' }
      ]
    }
  },
  {
    files: ['lib/**/*.ts', 'bin/**/*.ts'],
    linterOptions: { noInlineConfig: true },
    rules: { 'max-lines': ['error', { max: 400 }] }
  },
  {
    files: ['lib/**/*.ts'],
    rules: { 'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }] }
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-expressions': 'off'
    }
  },
  {
    // Configuration files have to export by default; scripts of the repository print.
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: { globals: { console: 'readonly', performance: 'readonly', process: 'readonly', URL: 'readonly' } }
  },
  {
    files: ['docs/examples/*.mjs'],
    languageOptions: { globals: { AbortSignal: 'readonly', clearInterval: 'readonly', setInterval: 'readonly' } }
  },
  {
    // Runs in browsers.
    files: ['lib/http/page/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'EventSource',
          'MediaError',
          'ResizeObserver',
          'devicePixelRatio',
          'document',
          'getComputedStyle',
          'matchMedia'
        ].map(name => [name, 'readonly'])
      )
    }
  },
  {
    // Read by old versions of Node, which it has to turn away.
    files: ['.ci/dev.mjs'],
    rules: { 'no-var': 'off', 'object-shorthand': 'off' }
  }
)
