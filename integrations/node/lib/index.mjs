import main from './index.cjs';
export const { check, dbperf, pause, unit } = main;
