# vagrant-libvirt loads these on first use, which fails now and then while machines are handled side by side.
#
# The names are Vagrant's own, of 2.3 (Debian 12 has 2.3.4, Debian 13 2.3.7): one that another Vagrant lacks is left alone.
%w[provisioner_cleanup ssh_run synced_folder_cleanup].each do |action|
  require "vagrant/action/builtin/#{action}"
rescue LoadError
  $stderr.puts "vagrant/preload.rb stands aside for #{action}, which Vagrant #{Vagrant::VERSION} does not have"
end
