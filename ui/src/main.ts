// Starts the page.
import { mount } from 'svelte';
import App from './App.svelte';
import { theme } from './header/theme.svelte';
import './styles/tokens.css';
import './styles/base.css';

theme.begin();
const target = document.getElementById('app');
if (target) mount(App, { target });
