# Vagrant's own containers, by the name `crates`: what is asked of these is done by its docker provider.
class Crates < Vagrant.plugin('2')
  name 'crates'

  provider(:crates, box_optional: true, parallel: true, defaultable: false) do
    Vagrant.plugin('2').manager.providers[:docker].first
  end

  config(:crates, :provider) { Vagrant.plugin('2').manager.provider_configs[:docker] }
end
